// The `loop` variable inside {% for %}.
// Thread safety: none; it belongs to one rendering.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "text/jinja/object.h"

namespace caravan::jinja {

class Loop : public Object, public std::enable_shared_from_this<Loop> {
 public:
  Loop(std::vector<Value> items, Keeper& keeper);

  [[nodiscard]] const std::vector<Value>& items() const { return items_; }
  /// The iteration under way, from 0.
  void set_index(size_t index) { index_ = index; }

  [[nodiscard]] std::string type_name() const override { return "loop"; }
  [[nodiscard]] int nesting() const override { return nesting_; }
  Value attribute(const std::string& name, Budget& budget) override;
  void clear() override { last_seen_ = Value(); }

 private:
  Value cycle(const Arguments& arguments) const;
  /// Whether the arguments differ from those of the call before.
  Value changed(const Arguments& arguments, Budget& budget);

  std::vector<Value> items_;
  size_t index_ = 0;
  int nesting_ = 1;
  Keeper* keeper_;
  bool is_kept_ = false;
  Value last_seen_;
};

}  // namespace caravan::jinja
