#include "text/jinja/loop.h"

#include <algorithm>

#include "text/jinja/operators.h"

namespace caravan::jinja {

Loop::Loop(std::vector<Value> items, Keeper& keeper) : items_(std::move(items)), keeper_(&keeper) {
  for (const Value& item : items_) nesting_ = std::max(nesting_, item.nesting() + 1);
}

Value Loop::attribute(const std::string& name, Budget& budget) {
  const auto number = [](size_t value) { return Value::integer(static_cast<int64_t>(value)); };
  if (name == "index") return number(index_ + 1);
  if (name == "index0") return number(index_);
  if (name == "first") return Value::boolean(index_ == 0);
  if (name == "last") return Value::boolean(index_ + 1 >= items_.size());
  if (name == "length") return number(items_.size());
  if (name == "revindex") return number(items_.size() - index_);
  if (name == "revindex0") return number(items_.size() - index_ - 1);
  // A loop inside another is not a recursion of it, and recursive loops are not supported.
  if (name == "depth") return number(1);
  if (name == "depth0") return number(0);
  if (name == "previtem")
    return index_ > 0 ? items_[index_ - 1] : Value::undefined("there is no item before the first");
  if (name == "nextitem") {
    return index_ + 1 < items_.size() ? items_[index_ + 1]
                                      : Value::undefined("there is no item after the last");
  }
  if (name == "cycle") {
    return Function::make(
        [loop = shared_from_this()](const Arguments& a, Budget& /*b*/) { return loop->cycle(a); }, nesting_);
  }
  if (name == "changed") {
    return Function::make(
        [loop = shared_from_this()](const Arguments& a, Budget& b) { return loop->changed(a, b); }, nesting_);
  }
  return Object::attribute(name, budget);
}

Value Loop::cycle(const Arguments& arguments) const {
  if (arguments.positional.empty() || !arguments.keywords.empty())
    problem("loop.cycle takes one value or more to go through");
  return arguments.positional[index_ % arguments.positional.size()];
}

Value Loop::changed(const Arguments& arguments, Budget& budget) {
  if (!arguments.keywords.empty()) problem("loop.changed takes no named argument");
  Value seen = Value::tuple(arguments.positional);
  const bool differs = !are_equal(seen, last_seen_, budget);
  last_seen_ = std::move(seen);
  if (!is_kept_) keeper_->keep(shared_from_this());
  is_kept_ = true;
  return Value::boolean(differs);
}

}  // namespace caravan::jinja
