// Values with behaviour: macros, methods, functions, namespaces, the `loop` variable.
//
// Invariant: an Object that can be changed after it was made (a namespace) is registered with the rendering's
// Keeper, which empties it at the end, so that cycles through it are freed and no chain of them is freed by
// recursion.
// Thread safety: none; the objects of one rendering belong to one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "text/jinja/value.h"

namespace caravan::jinja {

/// What stands between the parentheses of a call, evaluated.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> keywords;
};

class Object {
 public:
  Object() = default;
  virtual ~Object() = default;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  [[nodiscard]] virtual std::string type_name() const = 0;
  /// As Value::nesting: one more than what the object holds and never lets go of.
  [[nodiscard]] virtual int nesting() const { return 0; }
  [[nodiscard]] virtual bool is_callable() const { return false; }
  /// Problem where the object is not callable.
  virtual Value call(const Arguments& arguments, Budget& budget);
  /// Undefined where there is none of that name.
  virtual Value attribute(const std::string& name, Budget& budget);
  /// Sets an attribute; Problem on all but namespaces.
  virtual void set_attribute(const std::string& name, const Value& value);
  /// Lets go of every value that was put in after the object was made.
  virtual void clear() {}
};

/// Holds the changeable objects of one rendering until its end.
class Keeper {
 public:
  Keeper() = default;
  ~Keeper();
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;
  void keep(std::shared_ptr<Object> object) { objects_.push_back(std::move(object)); }

 private:
  std::vector<std::shared_ptr<Object>> objects_;
};

/// A function of ours, or a method bound to its value.
class Function : public Object {
 public:
  using Body = std::function<Value(const Arguments&, Budget&)>;
  /// `nesting` is that of the deepest value that `body` holds.
  explicit Function(Body body, int nesting = 0) : body_(std::move(body)), nesting_(nesting + 1) {}
  [[nodiscard]] std::string type_name() const override { return "function"; }
  [[nodiscard]] int nesting() const override { return nesting_; }
  [[nodiscard]] bool is_callable() const override { return true; }
  Value call(const Arguments& arguments, Budget& budget) override { return body_(arguments, budget); }

  static Value make(Body body, int nesting = 0) {
    return Value::object(std::make_shared<Function>(std::move(body), nesting));
  }

 private:
  Body body_;
  int nesting_;
};

}  // namespace caravan::jinja
