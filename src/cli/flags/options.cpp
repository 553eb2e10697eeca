#include "cli/flags/options.h"

#include <algorithm>
#include <charconv>
#include <numeric>

#include "base/error.h"

namespace caravan::cli {

namespace {

std::string kebab(std::string name) {
  std::replace(name.begin() + static_cast<std::ptrdiff_t>(std::min<size_t>(2, name.size())), name.end(), '_',
               '-');
  return name;
}

const Option* find_option(const Command& command, std::string_view name) {
  for (const OptionGroup& group : command.groups) {
    for (const Option& option : group.options) {
      if (option.name == name) return &option;
    }
  }
  return nullptr;
}

const Alias* find_alias(const Command& command, std::string_view name) {
  const auto found = std::find_if(command.aliases.begin(), command.aliases.end(),
                                  [name](const Alias& alias) { return alias.name == name; });
  return found == command.aliases.end() ? nullptr : &*found;
}

[[noreturn]] void fail_unknown(const Command& command, const std::string& given) {
  std::vector<std::string> known = {"--help"};
  for (const OptionGroup& group : command.groups) {
    for (const Option& option : group.options) known.emplace_back(option.name);
  }
  const std::optional<std::string> meant = nearest(kebab(given), known);
  fail("unknown flag ", in_quotes(given), meant ? ": did you mean " + *meant + "?" : "", " (see caravan ",
       command.name, " --help)");
}

size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);  // [b.size() + 1]: distances of a's prefix to b's prefixes
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substitute = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
    }
  }
  return row.back();
}

}  // namespace

std::optional<std::string> nearest(const std::string& wrong, const std::vector<std::string>& words) {
  std::optional<std::string> best;
  size_t best_distance = std::max<size_t>(2, wrong.size() / 3) + 1;
  for (const std::string& word : words) {
    const size_t distance = edit_distance(wrong, word);
    if (distance < best_distance) {
      best_distance = distance;
      best = word;
    }
  }
  return best;
}

std::string help_of(const Command& command) {
  // Options start their help here, so that all lines of a command align; none is longer.
  constexpr size_t kColumn = 32;
  std::string out = "caravan " + std::string(command.name) + " " + std::string(command.usage) + "\n" +
                    std::string(command.summary) + "\n";
  for (const OptionGroup& group : command.groups) {
    out += std::string(group.heading) + ":\n";
    for (const Option& option : group.options) {
      std::string line = "  " + std::string(option.name);
      if (!option.value.empty()) line += " " + std::string(option.value);
      line.resize(std::max(kColumn, line.size() + 1), ' ');
      out += line + std::string(option.help) + "\n";
    }
  }
  return out;
}

Arguments::Arguments(const Command& command, const std::vector<std::string>& words) {
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word.size() < 2 || word[0] != '-') {
      if (command.positional.empty() || positional_.has_value()) {
        fail("unexpected argument ", in_quotes(word), " (see caravan ", command.name, " --help)");
      }
      positional_ = word;
      continue;
    }
    const size_t equals = word.find('=');
    const std::string given = word.substr(0, equals);
    std::string name = kebab(given);
    std::optional<std::string> value;
    if (equals != std::string::npos) value = word.substr(equals + 1);
    if (const Alias* alias = find_alias(command, name); alias != nullptr) {
      name = alias->option;
      if (!alias->implied_value.empty() && !value.has_value()) value = alias->implied_value;
    }
    const Option* option = find_option(command, name);
    if (option == nullptr) fail_unknown(command, given);
    if (!value.has_value() && option->value.empty()) value = "true";
    if (!value.has_value()) {
      if (i + 1 == words.size()) fail(given, ": no value was given, expected ", option->value);
      value = words[++i];
    }
    add(*option, given, *value);
  }
}

void Arguments::add(const Option& option, const std::string& given, const std::string& value) {
  std::vector<std::string>& values = values_[std::string(option.name)];
  if (!values.empty() && !option.repeatable) fail(given, ": given twice, expected once");
  values.push_back(value);
}

bool Arguments::is_on(std::string_view name) const {
  const std::optional<std::string> value = choice(name, {"true", "false"});
  return value == "true";
}

std::optional<std::string> Arguments::text(std::string_view name) const {
  const auto found = values_.find(std::string(name));
  if (found == values_.end()) return std::nullopt;
  return found->second.back();
}

std::vector<std::string> Arguments::texts(std::string_view name) const {
  const auto found = values_.find(std::string(name));
  return found == values_.end() ? std::vector<std::string>() : found->second;
}

std::optional<int64_t> Arguments::integer(std::string_view name, int64_t low, int64_t high) const {
  const std::optional<std::string> value = text(name);
  if (!value.has_value()) return std::nullopt;
  int64_t number = 0;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
  if (error != std::errc() || end != value->data() + value->size() || number < low || number > high) {
    fail(name, ": found ", in_quotes(*value), ", expected an integer from ", low, " to ", high);
  }
  return number;
}

std::optional<double> Arguments::number(std::string_view name, double low, double high) const {
  const std::optional<std::string> value = text(name);
  if (!value.has_value()) return std::nullopt;
  double number = 0.0;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
  // Written so that NaN fails.
  const bool in_range = number >= low && number <= high;
  if (error != std::errc() || end != value->data() + value->size() || !in_range) {
    fail(name, ": found ", in_quotes(*value), ", expected a number from ", low, " to ", high);
  }
  return number;
}

std::optional<std::string> Arguments::choice(std::string_view name,
                                             const std::vector<std::string>& choices) const {
  std::optional<std::string> value = text(name);
  if (!value.has_value() || std::find(choices.begin(), choices.end(), *value) != choices.end()) return value;
  std::string expected;
  for (size_t i = 0; i < choices.size(); ++i) {
    if (i != 0) expected += i + 1 == choices.size() ? " or " : ", ";
    expected += choices[i];
  }
  fail(name, ": found ", in_quotes(*value), ", expected ", expected);
}

std::vector<std::string> Arguments::list(std::string_view name, const std::string& otherwise) const {
  const std::string text = this->text(name).value_or(otherwise);
  std::vector<std::string> parts(1);
  for (const char each : text) {
    if (each == ',') {
      parts.emplace_back();
    } else {
      parts.back() += each;
    }
  }
  return parts;
}

Arguments Arguments::with(std::string_view name, const std::string& value) const {
  Arguments changed = *this;
  changed.values_[std::string(name)] = {value};
  return changed;
}

Arguments Arguments::without(std::string_view name) const {
  Arguments changed = *this;
  changed.values_.erase(std::string(name));
  return changed;
}

}  // namespace caravan::cli
