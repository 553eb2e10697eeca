#include "text/jinja/functions.h"

#include <algorithm>
#include <array>
#include <utility>

#include "text/jinja/parameters.h"
#include "text/jinja/text_form.h"

namespace caravan::jinja {

namespace {

/// As the sandbox of jinja2 refuses longer ones.
constexpr uint64_t kMaxRange = 100'000;

class Namespace : public Object {
 public:
  [[nodiscard]] std::string type_name() const override { return "namespace"; }
  Value attribute(const std::string& name, Budget& budget) override {
    const auto found = names_.find(name);
    return found == names_.end() ? Object::attribute(name, budget) : found->second;
  }
  void set_attribute(const std::string& name, const Value& value) override {
    if (name[0] == '_')
      problem("an attribute of a namespace may not begin with an underscore, as '", name, "' does");
    names_[name] = value;
  }
  void clear() override { names_.clear(); }

 private:
  std::unordered_map<std::string, Value> names_;
};

/// dict(mapping or pairs, name=value …).
Dict make_dict(const char* function, const Arguments& arguments, Budget& budget) {
  if (arguments.positional.size() > 1) problem(function, " takes at most one argument without a name");
  Dict dict;
  if (!arguments.positional.empty()) {
    const Value& source = arguments.positional[0];
    if (const Dict* other = source.as_dict()) {
      for (const auto& [key, value] : other->items()) dict.set(key, value, budget);
    } else {
      for (const Value& pair : iterate(source, budget)) {
        const std::vector<Value> both = iterate(pair, budget);
        if (both.size() != 2) problem(function, " takes pairs, and one item has ", both.size(), " elements");
        dict.set(both[0], both[1], budget);
      }
    }
  }
  for (const auto& [name, value] : arguments.keywords) dict.set(Value::text(name), value, budget);
  return dict;
}

Value make_namespace(const Arguments& arguments, Keeper& keeper, Budget& budget) {
  const auto made = std::make_shared<Namespace>();
  keeper.keep(made);
  const Dict dict = make_dict("namespace", arguments, budget);
  for (const auto& [key, value] : dict.items()) {
    if (key.as_text() == nullptr || key.as_text()->empty()) problem("the names in a namespace are texts");
    made->set_attribute(*key.as_text(), value);
  }
  return Value::object(made);
}

Value make_range(const Arguments& arguments, Budget& budget) {
  const size_t count = arguments.positional.size();
  if (count == 0 || count > 3 || !arguments.keywords.empty()) problem("range takes one to three integers");
  std::array<int64_t, 3> numbers{0, 0, 1};
  for (size_t i = 0; i < count; ++i) {
    const auto number = arguments.positional[i].integral();
    if (!number) problem("range takes integers, not a ", arguments.positional[i].type_name());
    numbers[count == 1 ? 1 : i] = *number;
  }
  const auto [start, stop, step] = numbers;
  if (step == 0) problem("the step of a range is zero");
  // Unsigned, because the distance between two int64 may need all 64 bits.
  const auto from = static_cast<uint64_t>(step > 0 ? start : stop);
  const auto to = static_cast<uint64_t>(step > 0 ? stop : start);
  const bool is_empty = step > 0 ? start >= stop : start <= stop;
  const uint64_t stride = step > 0 ? static_cast<uint64_t>(step) : uint64_t{0} - static_cast<uint64_t>(step);
  const uint64_t length = is_empty ? 0 : (to - from - 1) / stride + 1;
  if (length > kMaxRange) problem("a range of more than ", kMaxRange, " numbers");
  budget.steps(length);
  std::vector<Value> items;
  for (uint64_t i = 0; i < length; ++i) {
    items.push_back(
        Value::integer(static_cast<int64_t>(static_cast<uint64_t>(start) + i * static_cast<uint64_t>(step))));
  }
  return Value::sequence(SequenceKind::kRange, std::move(items));
}

Value make_joiner(const Arguments& arguments) {
  const Parameters parameters("joiner", arguments, {"sep"});
  const Value separator = parameters.find(0) == nullptr ? Value::text(", ") : parameters.at(0);
  return Function::make(
      [separator, used = std::make_shared<bool>(false)](const Arguments& given, Budget& /*budget*/) {
        const Parameters none("the joiner", given, {});
        const bool is_first = !*used;
        *used = true;
        return is_first ? Value::text("") : separator;
      },
      separator.nesting());
}

class Cycler : public Object, public std::enable_shared_from_this<Cycler> {
 public:
  explicit Cycler(Value items) : items_(std::move(items)) {}
  [[nodiscard]] std::string type_name() const override { return "cycler"; }
  [[nodiscard]] int nesting() const override { return items_.nesting() + 1; }
  Value attribute(const std::string& name, Budget& budget) override {
    if (name == "current") return current();
    if (name != "next" && name != "reset") return Object::attribute(name, budget);
    const bool resets = name == "reset";
    return Function::make(
        [cycler = shared_from_this(), resets](const Arguments& given, Budget& /*budget*/) {
          const Parameters none("the cycler's method", given, {});
          return cycler->move(resets);
        },
        nesting());
  }

 private:
  [[nodiscard]] const Value& current() const { return items_.as_sequence()->items[at_]; }
  Value move(bool resets) {
    const Value before = current();
    at_ = resets ? 0 : (at_ + 1) % items_.as_sequence()->items.size();
    return resets ? Value() : before;
  }

  Value items_;
  size_t at_ = 0;
};

Value make_cycler(const Arguments& arguments) {
  if (arguments.positional.empty() || !arguments.keywords.empty()) problem("cycler takes one value or more");
  return Value::object(std::make_shared<Cycler>(Value::tuple(arguments.positional)));
}

Value raise_exception(const Arguments& arguments, Budget& budget) {
  const Parameters parameters("raise_exception", arguments, {"message"}, 1);
  problem(to_text(parameters.at(0), budget));
}

}  // namespace

std::string format_time(const std::tm& time, const std::string& format, Budget& budget) {
  // %z and %Z are empty for a time without a zone; the others are those of C and POSIX.
  constexpr std::string_view kDirectives = "aAbBcCdDeFgGhHIjmMnprRStTuUVwWxXyY%kl";
  std::string out;
  for (size_t at = 0; at < format.size(); ++at) {
    if (format[at] != '%') {
      out += format[at];
      continue;
    }
    std::string directive = "%";
    ++at;
    // glibc's flags for padding and case, which Python passes on.
    while (at < format.size() && std::string_view("-_0^#").find(format[at]) != std::string_view::npos)
      if (directive += format[at++]; directive.size() > 2) problem("a date format has two flags after one %");
    const char letter = at < format.size() ? format[at] : '\0';
    if (letter == 'z' || letter == 'Z') continue;
    if (letter == '\0' || kDirectives.find(letter) == std::string_view::npos)
      problem("strftime_now does not support %", letter == '\0' ? "" : std::string(1, letter));
    directive += letter;
    // The longest directive, %c, takes some 30 bytes; an empty result (%p in some locales) is no error.
    std::array<char, 100> buffer{};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    const size_t length = std::strftime(buffer.data(), buffer.size(), directive.c_str(), &time);
#pragma GCC diagnostic pop
    budget.bytes(length);
    out.append(buffer.data(), length);
  }
  budget.bytes(format.size());
  return out;
}

std::unordered_map<std::string, Value> make_functions(Keeper& keeper, const std::tm& now) {
  std::unordered_map<std::string, Value> functions;
  functions["range"] = Function::make(make_range);
  functions["dict"] = Function::make([](const Arguments& arguments, Budget& budget) {
    return Value::dict(make_dict("dict", arguments, budget));
  });
  functions["namespace"] = Function::make([&keeper](const Arguments& arguments, Budget& budget) {
    return make_namespace(arguments, keeper, budget);
  });
  functions["joiner"] =
      Function::make([](const Arguments& arguments, Budget& /*budget*/) { return make_joiner(arguments); });
  functions["cycler"] =
      Function::make([](const Arguments& arguments, Budget& /*budget*/) { return make_cycler(arguments); });
  functions["raise_exception"] = Function::make(raise_exception);
  functions["strftime_now"] = Function::make([now](const Arguments& arguments, Budget& budget) {
    const Parameters parameters("strftime_now", arguments, {"format"}, 1);
    return Value::text(format_time(now, parameters.required_text(0), budget));
  });
  return functions;
}

}  // namespace caravan::jinja
