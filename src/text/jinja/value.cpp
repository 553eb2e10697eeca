#include "text/jinja/value.h"

#include <algorithm>
#include <cmath>

#include "text/jinja/object.h"
#include "text/jinja/unicode.h"

namespace caravan::jinja {

namespace {

void check_nesting(int nesting) {
  if (nesting > kMaxNesting) problem("a value nests more than ", kMaxNesting, " levels deep");
}

const char* sequence_name(SequenceKind kind) {
  switch (kind) {
    case SequenceKind::kList:
      return "list";
    case SequenceKind::kTuple:
      return "tuple";
    case SequenceKind::kRange:
      return "range";
    case SequenceKind::kGenerator:
      return "generator";
    case SequenceKind::kDictKeys:
      return "dict_keys";
    case SequenceKind::kDictValues:
      return "dict_values";
    case SequenceKind::kDictItems:
      return "dict_items";
  }
  return "sequence";
}

std::string text_key(std::string_view name) {
  std::string key = "s";
  key += name;
  return key;
}

std::string number_key(double value) {
  // 2^63, the first double that is no int64.
  constexpr double kTooLarge = 9223372036854775808.0;
  if (std::trunc(value) == value && value >= -kTooLarge && value < kTooLarge) {
    return "i" + std::to_string(static_cast<int64_t>(value));
  }
  std::ostringstream bits;
  bits << "r" << std::hexfloat << value;
  return bits.str();
}

}  // namespace

Value::Value() = default;
Value::Value(const Value& other) = default;
Value::Value(Value&& other) noexcept = default;
Value& Value::operator=(const Value& other) = default;
Value& Value::operator=(Value&& other) noexcept = default;
Value::~Value() = default;

Value Value::undefined(std::string reason) {
  return Value(Data(Undefined{std::make_shared<const std::string>(std::move(reason))}));
}

Value Value::text(std::string utf8) {
  return Value(Data(std::make_shared<const std::string>(std::move(utf8))));
}

Value Value::sequence(SequenceKind kind, std::vector<Value> items) {
  int deepest = 0;
  for (const Value& item : items) deepest = std::max(deepest, item.nesting());
  check_nesting(deepest + 1);
  return Value(Data(std::make_shared<Sequence>(Sequence{kind, std::move(items), deepest + 1})));
}

Value Value::dict(Dict items) { return Value(Data(std::make_shared<const Dict>(std::move(items)))); }

const std::string* Value::as_text() const {
  const auto* text = std::get_if<std::shared_ptr<const std::string>>(&data_);
  return text == nullptr ? nullptr : text->get();
}

Sequence* Value::as_sequence() const {
  const auto* sequence = std::get_if<std::shared_ptr<Sequence>>(&data_);
  return sequence == nullptr ? nullptr : sequence->get();
}

const Sequence* Value::as_sequence(SequenceKind kind) const {
  const Sequence* sequence = as_sequence();
  return sequence != nullptr && sequence->kind == kind ? sequence : nullptr;
}

const Dict* Value::as_dict() const {
  const auto* dict = std::get_if<std::shared_ptr<const Dict>>(&data_);
  return dict == nullptr ? nullptr : dict->get();
}

Object* Value::as_object() const {
  const auto* object = std::get_if<std::shared_ptr<Object>>(&data_);
  return object == nullptr ? nullptr : object->get();
}

std::optional<int64_t> Value::integral() const {
  if (const int64_t* integer = as_integer()) return *integer;
  if (const bool* boolean = as_boolean()) return *boolean ? 1 : 0;
  return std::nullopt;
}

double Value::to_real() const {
  const double* real = as_real();
  return real != nullptr ? *real : static_cast<double>(integral().value_or(0));
}

const std::string& Value::reason() const {
  static const std::string kNone;
  const auto* undefined = std::get_if<Undefined>(&data_);
  return undefined == nullptr ? kNone : *undefined->reason;
}

std::string Value::type_name() const {
  if (is_undefined()) return "Undefined";
  if (is_none()) return "None";
  if (as_boolean() != nullptr) return "bool";
  if (as_integer() != nullptr) return "int";
  if (as_real() != nullptr) return "float";
  if (as_text() != nullptr) return "str";
  if (const Sequence* sequence = as_sequence()) return sequence_name(sequence->kind);
  if (as_dict() != nullptr) return "dict";
  return as_object()->type_name();
}

int Value::nesting() const {
  if (const Sequence* sequence = as_sequence()) return sequence->nesting;
  if (const Dict* dict = as_dict()) return dict->nesting();
  if (const Object* object = as_object()) return object->nesting();
  return 0;
}

bool Value::same_as(const Value& other) const {
  if (const std::string* text = as_text()) return text == other.as_text();
  if (const Sequence* sequence = as_sequence()) return sequence == other.as_sequence();
  if (const Dict* dict = as_dict()) return dict == other.as_dict();
  if (const Object* object = as_object()) return object == other.as_object();
  return false;
}

void Dict::set(const Value& key, const Value& value, Budget& budget) {
  budget.steps();
  const int nesting = 1 + std::max(key.nesting(), value.nesting());
  check_nesting(nesting);
  const auto [place, is_new] = index_.emplace(hash_key(key, budget), items_.size());
  if (is_new) {
    items_.emplace_back(key, value);
  } else {
    items_[place->second].second = value;
  }
  nesting_ = std::max(nesting_, nesting);
}

const Value* Dict::find(const Value& key, Budget& budget) const {
  const auto found = index_.find(hash_key(key, budget));
  return found == index_.end() ? nullptr : &items_[found->second].second;
}

const Value* Dict::find(std::string_view name) const {
  const auto found = index_.find(text_key(name));
  return found == index_.end() ? nullptr : &items_[found->second].second;
}

std::string hash_key(const Value& value, Budget& budget) {
  budget.steps();
  if (value.is_undefined()) return "u";
  if (value.is_none()) return "n";
  if (const auto integer = value.integral()) return "i" + std::to_string(*integer);
  if (const double* real = value.as_real()) return number_key(*real);
  if (const std::string* text = value.as_text()) {
    budget.bytes(text->size());
    return text_key(*text);
  }
  if (const Sequence* tuple = value.as_sequence(SequenceKind::kTuple)) {
    std::string key = "t";
    for (const Value& item : tuple->items) {
      const std::string part = hash_key(item, budget);
      budget.bytes(part.size());
      key += std::to_string(part.size()) + ":" + part;
    }
    return key;
  }
  if (const Object* object = value.as_object()) {
    std::ostringstream address;
    address << "o" << static_cast<const void*>(object);
    return address.str();
  }
  problem("a ", value.type_name(), " cannot be a key of a dict or be compared for uniqueness");
}

std::vector<Value> iterate(const Value& value, Budget& budget) {
  if (value.is_undefined()) return {};
  std::vector<Value> items;
  if (Sequence* sequence = value.as_sequence()) {
    budget.steps(sequence->items.size() - sequence->consumed);
    const auto from = sequence->items.begin() + static_cast<std::ptrdiff_t>(sequence->consumed);
    items.assign(from, sequence->items.end());
    if (sequence->kind == SequenceKind::kGenerator) sequence->consumed = sequence->items.size();
    return items;
  }
  if (const Dict* dict = value.as_dict()) {
    budget.steps(dict->items().size());
    for (const auto& [key, item] : dict->items()) items.push_back(key);
    return items;
  }
  if (const std::string* text = value.as_text()) {
    budget.steps(text->size());
    for (const std::string_view character : characters(*text))
      items.push_back(Value::text(std::string(character)));
    return items;
  }
  problem("a ", value.type_name(), " cannot be iterated over");
}

std::optional<size_t> length_of(const Value& value) {
  if (value.is_undefined()) return 0;
  if (const std::string* text = value.as_text()) return code_points(*text);
  if (const Dict* dict = value.as_dict()) return dict->items().size();
  const Sequence* sequence = value.as_sequence();
  if (sequence != nullptr && sequence->kind != SequenceKind::kGenerator) return sequence->items.size();
  return std::nullopt;
}

bool is_true(const Value& value) {
  if (value.is_undefined() || value.is_none()) return false;
  if (const auto integer = value.integral()) return *integer != 0;
  if (const double* real = value.as_real()) return *real != 0;
  if (const std::string* text = value.as_text()) return !text->empty();
  return length_of(value).value_or(1) != 0;
}

}  // namespace caravan::jinja
