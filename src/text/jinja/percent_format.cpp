// percent_format of operators.h: Python's `format % arguments`.
#include "text/jinja/number_text.h"
#include "text/jinja/operators.h"
#include "text/jinja/text_form.h"
#include "text/jinja/unicode.h"

namespace caravan::jinja {

namespace {

class PercentFormat {
 public:
  PercentFormat(const std::string& format, const Value& arguments, Budget& budget)
      : format_(&format), arguments_(&arguments), budget_(&budget) {
    const Sequence* tuple = arguments.as_sequence(SequenceKind::kTuple);
    if (tuple != nullptr) {
      values_ = tuple->items;
    } else {
      values_ = {arguments};
    }
  }

  std::string run() {
    std::string out;
    while (at_ < format_->size()) {
      const size_t percent = std::min(format_->find('%', at_), format_->size());
      out.append(*format_, at_, percent - at_);
      at_ = percent;
      if (at_ < format_->size()) out += conversion();
      budget_->bytes(out.size() > paid_ ? out.size() - paid_ : 0);
      paid_ = out.size();
    }
    const bool takes_all = named_ || arguments_->as_dict() != nullptr;
    if (!takes_all && next_ < values_.size()) problem("a format has fewer conversions than arguments");
    return out;
  }

 private:
  [[nodiscard]] char peek() const { return at_ < format_->size() ? (*format_)[at_] : '\0'; }

  size_t number() {
    size_t value = 0;
    // Longer numbers are refused by format_number; they only must not overflow here.
    for (; peek() >= '0' && peek() <= '9'; ++at_)
      if (value < 100'000) value = value * 10 + static_cast<size_t>(peek() - '0');
    return value;
  }

  NumberFormat read_format() {
    NumberFormat format;
    for (;; ++at_) {
      if (peek() == '-') {
        format.left = true;
      } else if (peek() == '0') {
        format.zeros = true;
      } else if (peek() == '+') {
        format.sign = true;
      } else if (peek() == ' ') {
        format.space = true;
      } else if (peek() == '#') {
        format.alternate = true;
      } else {
        break;
      }
    }
    format.width = number();
    if (peek() == '.') {
      ++at_;
      format.precision = number();
    }
    return format;
  }

  Value next_value() {
    if (next_ == values_.size()) problem("a format has more conversions than arguments");
    return values_[next_++];
  }

  /// The %(name) form takes its value from a dict.
  Value named_value() {
    const size_t close = format_->find(')', at_);
    const Dict* dict = arguments_->as_dict();
    if (dict == nullptr || close == std::string::npos) problem("a format with %(name) takes a dict");
    const std::string name = format_->substr(at_ + 1, close - at_ - 1);
    const Value* found = dict->find(name);
    if (found == nullptr) problem("a format's dict has no key '", name, "'");
    at_ = close + 1;
    named_ = true;
    return *found;
  }

  std::string conversion() {
    ++at_;
    std::optional<Value> value;
    if (peek() == '(') value = named_value();
    const NumberFormat format = read_format();
    const char letter = peek();
    ++at_;
    if (letter == '%') return "%";
    if (letter == '\0' || std::string_view("srdixXofFeEgGc").find(letter) == std::string_view::npos)
      problem("a format holds %", letter == '\0' ? "" : std::string(1, letter), ", which is not supported");
    if (!value) value = next_value();
    if (letter == 's' || letter == 'r' || letter == 'c') return text_conversion(*value, letter, format);
    if (value->is_undefined()) problem(value->reason());
    if (!value->is_number()) problem("the format %", letter, " takes a number, not a ", value->type_name());
    return format_number(*value, letter, format);
  }

  std::string text_conversion(const Value& value, char letter, const NumberFormat& format) {
    if (letter == 'c' && (value.as_text() == nullptr || code_points(*value.as_text()) != 1))
      problem("the format %c takes a text of one character");
    std::string text = letter == 'r' ? to_repr(value, *budget_) : to_text(value, *budget_);
    if (format.precision) text.resize(byte_offset(text, *format.precision));
    budget_->bytes(format.width);
    return padded(text, format);
  }

  const std::string* format_;
  const Value* arguments_;
  Budget* budget_;
  std::vector<Value> values_;
  size_t at_ = 0;
  size_t next_ = 0;
  size_t paid_ = 0;
  bool named_ = false;
};

}  // namespace

std::string percent_format(const std::string& format, const Value& arguments, Budget& budget) {
  return PercentFormat(format, arguments, budget).run();
}

}  // namespace caravan::jinja
