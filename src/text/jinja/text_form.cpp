#include "text/jinja/text_form.h"

#include <array>
#include <charconv>
#include <cmath>

#include "base/utf8.h"
#include "text/jinja/object.h"
#include "text/jinja/unicode.h"

namespace caravan::jinja {

namespace {

std::string hex(char32_t code_point, size_t digits) {
  std::string out(digits, '0');
  for (size_t i = digits; i-- > 0; code_point >>= 4U) out[i] = "0123456789abcdef"[code_point & 15U];
  return out;
}

/// One code point of a repr() that is not printed as it is.
std::string escaped(char32_t code_point, char quote) {
  if (code_point == U'\n') return "\\n";
  if (code_point == U'\r') return "\\r";
  if (code_point == U'\t') return "\\t";
  if (code_point == U'\\') return "\\\\";
  if (code_point == static_cast<char32_t>(quote)) return {'\\', quote};
  if (is_printable(code_point)) return encode(std::u32string(1, code_point));
  if (code_point < 0x100) return "\\x" + hex(code_point, 2);
  return code_point < 0x10000 ? "\\u" + hex(code_point, 4) : "\\U" + hex(code_point, 8);
}

std::string quoted_text(const std::string& text) {
  const bool has_single = text.find('\'') != std::string::npos;
  const char quote = has_single && text.find('"') == std::string::npos ? '"' : '\'';
  std::string out(1, quote);
  for (const char32_t code_point : decode(text)) out += escaped(code_point, quote);
  return out + quote;
}

/// Writes reprs one after the other, paying as it goes: a value may hold another many times over.
class ReprWriter {
 public:
  explicit ReprWriter(Budget& budget) : budget_(&budget) {}

  void write(const Value& value) {
    const Descent descent(*budget_);
    budget_->steps();
    if (value.is_undefined()) return put("Undefined");
    if (value.is_none()) return put("None");
    if (const bool* boolean = value.as_boolean()) return put(*boolean ? "True" : "False");
    if (const int64_t* integer = value.as_integer()) return put(std::to_string(*integer));
    if (const double* real = value.as_real()) return put(real_text(*real));
    if (const std::string* text = value.as_text()) return put(quoted_text(*text));
    if (const Dict* dict = value.as_dict()) return write_dict(*dict);
    if (const Sequence* sequence = value.as_sequence()) return write_sequence(*sequence);
    problem("a ", value.type_name(), " has no text form");
  }

  std::string take() { return std::move(out_); }

 private:
  void put(const std::string& text) {
    budget_->bytes(text.size());
    out_ += text;
  }

  void write_dict(const Dict& dict) {
    put("{");
    bool first = true;
    for (const auto& [key, value] : dict.items()) {
      if (!first) put(", ");
      first = false;
      write(key);
      put(": ");
      write(value);
    }
    put("}");
  }

  void write_items(const Sequence& sequence, const char* open, const char* close) {
    put(open);
    bool first = true;
    for (const Value& item : sequence.items) {
      if (!first) put(", ");
      first = false;
      write(item);
    }
    put(close);
  }

  void write_sequence(const Sequence& sequence) {
    switch (sequence.kind) {
      case SequenceKind::kList:
        return write_items(sequence, "[", "]");
      case SequenceKind::kTuple:
        return write_items(sequence, "(", sequence.items.size() == 1 ? ",)" : ")");
      case SequenceKind::kDictKeys:
        return write_items(sequence, "dict_keys([", "])");
      case SequenceKind::kDictValues:
        return write_items(sequence, "dict_values([", "])");
      case SequenceKind::kDictItems:
        return write_items(sequence, "dict_items([", "])");
      case SequenceKind::kRange:
        problem("a range has no text form here; range(…) | list has one");
      case SequenceKind::kGenerator:
        problem("what a filter such as map or select gives has no text form; … | list has one");
    }
  }

  Budget* budget_;
  std::string out_;
};

}  // namespace

std::string real_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  // The shortest digits of a double and its exponent take at most 24 characters.
  std::array<char, 32> buffer{};
  const auto result =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  const std::string scientific(buffer.data(), result.ptr);
  const size_t e = scientific.find('e');
  const int exponent = std::stoi(scientific.substr(e + 1));
  const std::string sign = scientific[0] == '-' ? "-" : "";
  std::string digits;
  for (const char c : scientific.substr(0, e))
    if (c >= '0' && c <= '9') digits += c;
  // Python prints positionally from 1e-4 up to, not including, 1e16.
  if (exponent < -4 || exponent >= 16) {
    const std::string fraction = digits.size() > 1 ? "." + digits.substr(1) : "";
    const std::string power = std::to_string(std::abs(exponent));
    return sign + digits[0] + fraction + (exponent < 0 ? "e-" : "e+") + (power.size() < 2 ? "0" : "") + power;
  }
  if (exponent < 0) return sign + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
  const size_t whole = static_cast<size_t>(exponent) + 1;
  if (digits.size() <= whole) return sign + digits + std::string(whole - digits.size(), '0') + ".0";
  return sign + digits.substr(0, whole) + "." + digits.substr(whole);
}

std::string to_repr(const Value& value, Budget& budget) {
  ReprWriter writer(budget);
  writer.write(value);
  return writer.take();
}

std::string to_text(const Value& value, Budget& budget) {
  if (value.is_undefined()) return "";
  if (const std::string* text = value.as_text()) {
    budget.bytes(text->size());
    return *text;
  }
  return to_repr(value, budget);
}

Value from_json(const Json& json, Budget& budget) {
  const Descent descent(budget);
  budget.steps();
  switch (json.type()) {
    case Json::value_t::boolean:
      return Value::boolean(json.get<bool>());
    case Json::value_t::number_integer:
      return Value::integer(json.get<int64_t>());
    case Json::value_t::number_unsigned:
      if (json.get<uint64_t>() > uint64_t{INT64_MAX})
        problem("the integer ", json.dump(), " is beyond 64 bits");
      return Value::integer(json.get<int64_t>());
    case Json::value_t::number_float:
      return Value::real(json.get<double>());
    case Json::value_t::string: {
      const auto& text = json.get_ref<const std::string&>();
      if (utf8_first_invalid(text)) problem("a text given to the template is not UTF-8");
      return Value::text(text);
    }
    case Json::value_t::array: {
      std::vector<Value> items;
      for (const Json& item : json) items.push_back(from_json(item, budget));
      return Value::list(std::move(items));
    }
    case Json::value_t::object: {
      Dict dict;
      for (const auto& [name, item] : json.items())
        dict.set(from_json(Json(name), budget), from_json(item, budget), budget);
      return Value::dict(std::move(dict));
    }
    default:
      return {};
  }
}

}  // namespace caravan::jinja
