#include "text/jinja/access.h"

#include <algorithm>
#include <limits>

#include "text/jinja/methods.h"
#include "text/jinja/number_text.h"
#include "text/jinja/unicode.h"

namespace caravan::jinja {

namespace {

Value missing(const Value& value, const std::string& what) {
  return Value::undefined("a " + value.type_name() + " has no " + what);
}

/// The element, or nothing where there is none; never an attribute.
std::optional<Value> element(const Value& value, const Value& key, Budget& budget) {
  if (const Dict* dict = value.as_dict()) {
    // A list as a key is an error in Python too, but one that jinja2 takes for a missing element.
    const bool can_be_key = key.as_dict() == nullptr && (key.as_sequence() == nullptr ||
                                                         key.as_sequence(SequenceKind::kTuple) != nullptr);
    const Value* found = can_be_key ? dict->find(key, budget) : nullptr;
    return found == nullptr ? std::nullopt : std::optional(*found);
  }
  const auto wanted = key.integral();
  if (!wanted) return std::nullopt;
  const Sequence* sequence = value.as_sequence();
  const bool has_elements = sequence != nullptr && (sequence->kind == SequenceKind::kList ||
                                                    sequence->kind == SequenceKind::kTuple ||
                                                    sequence->kind == SequenceKind::kRange);
  const std::string* text = value.as_text();
  if (!has_elements && text == nullptr) return std::nullopt;
  const auto length = static_cast<int64_t>(length_of(value).value_or(0));
  const int64_t index = *wanted < 0 ? *wanted + length : *wanted;
  if (index < 0 || index >= length) return std::nullopt;
  if (has_elements) return sequence->items[static_cast<size_t>(index)];
  // Finding a code point reads the text from its start.
  budget.steps(text->size() / 64);
  const size_t start = byte_offset(*text, static_cast<size_t>(index));
  const size_t size = byte_offset(std::string_view(*text).substr(start), 1);
  return Value::text(text->substr(start, size));
}

std::optional<Value> attribute(const Value& value, const std::string& name, Budget& budget) {
  if (Object* object = value.as_object()) return object->attribute(name, budget);
  return find_method(value, name);
}

/// A slice's bound where it is given: counted from the end if negative, and moved into [low, high].
int64_t bound(const Value& given, int64_t length, int64_t low, int64_t high, int64_t otherwise) {
  if (given.is_none()) return otherwise;
  int64_t value = given.integral().value_or(0);
  if (value < 0) value = value < -length ? low : value + length;
  return std::clamp(value, low, high);
}

/// The code points first, first + stride … before last.
std::string text_slice(const std::string& text, int64_t first, int64_t last, int64_t stride) {
  if (stride == 1) {
    if (first >= last) return "";
    const auto rest = std::string_view(text).substr(byte_offset(text, static_cast<size_t>(first)));
    return std::string(rest.substr(0, byte_offset(rest, static_cast<size_t>(last - first))));
  }
  const std::u32string letters = decode(text);
  std::u32string out;
  for (int64_t i = first; stride > 0 ? i < last : i > last; i += stride)
    out += letters[static_cast<size_t>(i)];
  return encode(out);
}

}  // namespace

Value get_attribute(const Value& value, const std::string& name, Budget& budget) {
  if (value.is_undefined()) problem(value.reason());
  if (auto found = attribute(value, name, budget)) return *found;
  if (value.as_dict() != nullptr) {
    if (const Value* found = value.as_dict()->find(name)) return *found;
  }
  return missing(value, "attribute '" + name + "'");
}

Value get_item(const Value& value, const Value& key, Budget& budget) {
  if (value.is_undefined()) problem(value.reason());
  if (auto found = element(value, key, budget)) return *found;
  const std::string* name = key.as_text();
  if (name == nullptr) return missing(value, "such element");
  if (auto found = attribute(value, *name, budget)) return *found;
  return missing(value, "element '" + *name + "'");
}

Value get_slice(const Value& value, const Value& from, const Value& to, const Value& step, Budget& budget) {
  if (value.is_undefined()) problem(value.reason());
  const Sequence* sequence = value.as_sequence();
  const std::string* text = value.as_text();
  const bool has_slices =
      text != nullptr || (sequence != nullptr &&
                          (sequence->kind == SequenceKind::kList || sequence->kind == SequenceKind::kTuple ||
                           sequence->kind == SequenceKind::kRange));
  if (!has_slices) problem("a ", value.type_name(), " has no slices");
  for (const Value* part : {&from, &to, &step}) {
    if (!part->is_none() && !part->integral())
      problem("the bounds of a slice are integers, not a ", part->type_name());
  }
  const auto length = static_cast<int64_t>(length_of(value).value_or(0));
  // A step longer than the value takes one element, whatever its size; this keeps the sums from overflowing.
  const int64_t stride = std::clamp(step.is_none() ? 1 : *step.integral(), -length - 1, length + 1);
  if (!step.is_none() && *step.integral() == 0) problem("the step of a slice is zero");
  const bool forward = stride > 0;
  const int64_t first =
      forward ? bound(from, length, 0, length, 0) : bound(from, length, -1, length - 1, length - 1);
  const int64_t last = forward ? bound(to, length, 0, length, length) : bound(to, length, -1, length - 1, -1);
  if (text == nullptr) {
    std::vector<Value> items;
    for (int64_t i = first; forward ? i < last : i > last; i += stride)
      items.push_back(sequence->items[static_cast<size_t>(i)]);
    budget.steps(items.size());
    return Value::sequence(sequence->kind, std::move(items));
  }
  budget.bytes(text->size());
  return Value::text(text_slice(*text, first, last, stride));
}

Value get_path(const Value& value, const Value& path, Budget& budget) {
  const std::string* text = path.as_text();
  if (text == nullptr) return get_item(value, path, budget);
  Value current = value;
  for (size_t at = 0; at <= text->size();) {
    const size_t dot = std::min(text->find('.', at), text->size());
    const std::string part = text->substr(at, dot - at);
    const bool is_index = !part.empty() && part.find_first_not_of("0123456789") == std::string::npos;
    const Value key = is_index ? Value::integer(parse_integer(part, 10).value_or(0)) : Value::text(part);
    current = get_item(current, key, budget);
    at = dot + 1;
  }
  return current;
}

}  // namespace caravan::jinja
