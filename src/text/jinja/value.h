// What a template computes with: Python's values, as far as chat templates meet them.
//
// Invariants: texts are valid UTF-8; containers never change once made (a generator's position aside) and
// nest at most kMaxNesting deep, so recursion over a value is bounded. Copying a Value copies a reference.
// Thread safety: none; the values of one rendering belong to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "text/jinja/budget.h"

namespace caravan::jinja {

class Object;
class Dict;
struct Sequence;

/// What Python type a sequence stands for. They differ in how they print and in what may be done with them.
enum class SequenceKind { kList, kTuple, kRange, kGenerator, kDictKeys, kDictValues, kDictItems };

class Value {
 public:
  /// None.
  Value();
  // Not inline: copies of the variant inlined into the filters set off false warnings of GCC 12.
  Value(const Value& other);
  Value(Value&& other) noexcept;
  Value& operator=(const Value& other);
  Value& operator=(Value&& other) noexcept;
  ~Value();

  /// A name, attribute or element that is not there. `reason` is the message where it is used all the same.
  static Value undefined(std::string reason);
  static Value boolean(bool value) { return Value(Data(value)); }
  static Value integer(int64_t value) { return Value(Data(value)); }
  static Value real(double value) { return Value(Data(value)); }
  /// `utf8` must be valid UTF-8.
  static Value text(std::string utf8);
  /// Problem where the items nest deeper than kMaxNesting.
  static Value sequence(SequenceKind kind, std::vector<Value> items);
  static Value list(std::vector<Value> items) { return sequence(SequenceKind::kList, std::move(items)); }
  static Value tuple(std::vector<Value> items) { return sequence(SequenceKind::kTuple, std::move(items)); }
  static Value dict(Dict items);
  static Value object(std::shared_ptr<Object> object) { return Value(Data(std::move(object))); }

  [[nodiscard]] bool is_undefined() const { return std::holds_alternative<Undefined>(data_); }
  [[nodiscard]] bool is_none() const { return std::holds_alternative<std::monostate>(data_); }
  // Each returns nullptr where the value is of another type.
  [[nodiscard]] const bool* as_boolean() const { return std::get_if<bool>(&data_); }
  [[nodiscard]] const int64_t* as_integer() const { return std::get_if<int64_t>(&data_); }
  [[nodiscard]] const double* as_real() const { return std::get_if<double>(&data_); }
  [[nodiscard]] const std::string* as_text() const;
  [[nodiscard]] Sequence* as_sequence() const;
  /// The same, where it is also of that kind.
  [[nodiscard]] const Sequence* as_sequence(SequenceKind kind) const;
  [[nodiscard]] const Dict* as_dict() const;
  [[nodiscard]] Object* as_object() const;

  /// An integer or a boolean as Python's arithmetic takes it, or nothing.
  [[nodiscard]] std::optional<int64_t> integral() const;
  [[nodiscard]] bool is_number() const { return integral().has_value() || as_real() != nullptr; }
  /// Of a number only.
  [[nodiscard]] double to_real() const;

  /// Why an undefined value is undefined.
  [[nodiscard]] const std::string& reason() const;
  /// Python's name of the type, for messages: "str", "dict" …
  [[nodiscard]] std::string type_name() const;
  /// 0 for scalars and objects, else one more than the deepest item.
  [[nodiscard]] int nesting() const;
  /// The same container, text or object in memory.
  [[nodiscard]] bool same_as(const Value& other) const;

 private:
  struct Undefined {
    std::shared_ptr<const std::string> reason;
  };
  using Data =
      std::variant<std::monostate, Undefined, bool, int64_t, double, std::shared_ptr<const std::string>,
                   std::shared_ptr<Sequence>, std::shared_ptr<const Dict>, std::shared_ptr<Object>>;
  explicit Value(Data data) : data_(std::move(data)) {}

  Data data_;
};

struct Sequence {
  SequenceKind kind;
  std::vector<Value> items;
  int nesting;
  /// How many items of a generator are used up; always 0 for the other kinds.
  size_t consumed = 0;
};

/// A dict keeps the order in which its keys came, and finds them in constant time.
class Dict {
 public:
  /// Adds the key, or replaces its value in place. Problem where the key is a list, dict or generator, or
  /// where `value` nests too deep.
  void set(const Value& key, const Value& value, Budget& budget);
  /// nullptr where absent; Problem where no dict could have such a key.
  const Value* find(const Value& key, Budget& budget) const;
  [[nodiscard]] const Value* find(std::string_view name) const;
  [[nodiscard]] const std::vector<std::pair<Value, Value>>& items() const { return items_; }
  [[nodiscard]] int nesting() const { return nesting_; }

 private:
  std::vector<std::pair<Value, Value>> items_;
  std::unordered_map<std::string, size_t> index_;  // hash_key of the key -> position in items_
  int nesting_ = 1;
};

/// A text that is equal for two values exactly where Python calls them equal as dict keys (1, 1.0 and True
/// are). Problem where the value cannot be a key.
std::string hash_key(const Value& value, Budget& budget);

/// What `for` and the filters go over: the items of a sequence (using up a generator), the keys of a dict,
/// the characters of a text, nothing for undefined. Problem for anything else. Pays a step per item.
std::vector<Value> iterate(const Value& value, Budget& budget);

/// Python's len(), or nothing where the type has none.
std::optional<size_t> length_of(const Value& value);

/// Python's bool().
bool is_true(const Value& value);

}  // namespace caravan::jinja
