// to_json of text_form.h.
#include <algorithm>
#include <cmath>
#include <vector>

#include "text/jinja/text_form.h"
#include "text/jinja/unicode.h"

namespace caravan::jinja {

namespace {

void append_unit(std::string& out, char32_t unit) {
  out += "\\u";
  for (const unsigned shift : {12U, 8U, 4U, 0U}) out += "0123456789abcdef"[(unit >> shift) & 15U];
}

void append_escaped(std::string& out, char32_t code_point, bool ensure_ascii) {
  constexpr std::u32string_view kShort = U"\"\\\n\r\t\b\f";
  constexpr std::string_view kLetters = "\"\\nrtbf";
  if (const size_t at = kShort.find(code_point); at != std::u32string_view::npos) {
    out += '\\';
    out += kLetters[at];
  } else if (code_point < 0x20 || (ensure_ascii && code_point > 0x7E && code_point < 0x10000)) {
    append_unit(out, code_point);
  } else if (ensure_ascii && code_point >= 0x10000) {
    append_unit(out, 0xD800 + ((code_point - 0x10000) >> 10U));
    append_unit(out, 0xDC00 + ((code_point - 0x10000) & 0x3FFU));
  } else {
    out += encode(std::u32string(1, code_point));
  }
}

std::string real_json(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  return real_text(value);
}

class JsonWriter {
 public:
  JsonWriter(const JsonStyle& style, Budget& budget) : style_(&style), budget_(&budget) {}

  void write(const Value& value) {
    const Descent descent(*budget_);
    budget_->steps();
    const Sequence* sequence = value.as_sequence();
    if (const std::string* text = value.as_text()) {
      write_text(*text);
    } else if (value.is_none()) {
      put("null");
    } else if (const bool* boolean = value.as_boolean()) {
      put(*boolean ? "true" : "false");
    } else if (const int64_t* integer = value.as_integer()) {
      put(std::to_string(*integer));
    } else if (const double* real = value.as_real()) {
      put(real_json(*real));
    } else if (const Dict* dict = value.as_dict()) {
      write_dict(*dict);
    } else if (sequence != nullptr &&
               (sequence->kind == SequenceKind::kList || sequence->kind == SequenceKind::kTuple)) {
      write_list(*sequence);
    } else if (value.is_undefined()) {
      problem(value.reason(), ", so it cannot be written as JSON");
    } else {
      problem("a ", value.type_name(), " cannot be written as JSON");
    }
  }

  std::string take() { return std::move(out_); }

 private:
  void put(std::string_view text) {
    budget_->bytes(text.size());
    out_ += text;
  }

  void write_text(const std::string& text) {
    // What is not ASCII may grow to six bytes per byte; the escapes of one text are short enough to pay
    // afterwards.
    std::string escaped = "\"";
    for (const char32_t code_point : decode(text)) append_escaped(escaped, code_point, style_->ensure_ascii);
    put(escaped + '"');
  }

  void new_line() {
    if (!style_->indent) return;
    budget_->bytes(style_->indent->size(), level_);
    put("\n");
    for (size_t i = 0; i < level_; ++i) out_ += *style_->indent;
  }

  void open(char bracket) {
    put({&bracket, 1});
    ++level_;
    new_line();
  }

  void next(bool& first) {
    if (!first) {
      put(style_->item_separator);
      new_line();
    }
    first = false;
  }

  void close(char bracket) {
    --level_;
    new_line();
    put({&bracket, 1});
  }

  void write_list(const Sequence& list) {
    if (list.items.empty()) return put("[]");
    open('[');
    bool first = true;
    for (const Value& item : list.items) {
      next(first);
      write(item);
    }
    close(']');
  }

  /// The text that json.dumps makes of a key.
  std::string key_text(const Value& key) {
    if (const std::string* text = key.as_text()) return *text;
    if (key.is_none()) return "null";
    if (const bool* boolean = key.as_boolean()) return *boolean ? "true" : "false";
    if (const int64_t* integer = key.as_integer()) return std::to_string(*integer);
    if (const double* real = key.as_real()) return real_json(*real);
    problem("a ", key.type_name(), " cannot be a key in JSON");
  }

  void write_dict(const Dict& dict) {
    if (dict.items().empty()) return put("{}");
    std::vector<const std::pair<Value, Value>*> fields;
    for (const auto& field : dict.items()) fields.push_back(&field);
    if (style_->sort_keys) sort(fields);
    open('{');
    bool first = true;
    for (const auto* field : fields) {
      next(first);
      write_text(key_text(field->first));
      put(style_->key_separator);
      write(field->second);
    }
    close('}');
  }

  static void sort(std::vector<const std::pair<Value, Value>*>& fields) {
    for (const auto* field : fields) {
      if (field->first.as_text() == nullptr)
        problem("tojson sorts text keys only, and one key is a ", field->first.type_name());
    }
    std::stable_sort(fields.begin(), fields.end(),
                     [](const auto* a, const auto* b) { return *a->first.as_text() < *b->first.as_text(); });
  }

  const JsonStyle* style_;
  Budget* budget_;
  std::string out_;
  size_t level_ = 0;
};

}  // namespace

std::string to_json(const Value& value, const JsonStyle& style, Budget& budget) {
  JsonWriter writer(style, budget);
  writer.write(value);
  return writer.take();
}

}  // namespace caravan::jinja
