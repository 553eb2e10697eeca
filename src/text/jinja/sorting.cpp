#include "text/jinja/sorting.h"

#include <algorithm>
#include <numeric>

#include "text/jinja/access.h"
#include "text/jinja/operators.h"
#include "text/jinja/text_work.h"
#include "text/jinja/unicode.h"

namespace caravan::jinja {

Value case_ignored(const Value& value, Budget& budget) {
  const std::string* text = value.as_text();
  if (text == nullptr) return value;
  budget.bytes(text->size());
  return Value::text(to_lower(*text));
}

Value sort_key(const Value& item, const Value& paths, bool case_sensitive, Budget& budget) {
  std::vector<Value> wanted{paths};
  const std::string comma = ",";
  if (const std::string* text = paths.as_text()) wanted = split(*text, &comma, -1, false, budget);
  std::vector<Value> key;
  for (const Value& path : wanted) {
    const Value part = path.is_none() ? item : get_path(item, path, budget);
    key.push_back(case_sensitive ? part : case_ignored(part, budget));
  }
  return key.size() == 1 ? key[0] : Value::list(std::move(key));
}

std::vector<Value> sorted_by(std::vector<Value> items, const std::vector<Value>& keys, bool descending,
                             Budget& budget) {
  std::vector<size_t> order(items.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::vector<size_t> merged(items.size());
  // Merged by hand: no order that a NaN could break makes this read outside, as a library's sort might.
  for (size_t width = 1; width < order.size(); width *= 2) {
    for (size_t start = 0; start < order.size(); start += 2 * width) {
      const size_t middle = std::min(start + width, order.size());
      const size_t end = std::min(start + 2 * width, order.size());
      size_t left = start;
      size_t right = middle;
      for (size_t out = start; out < end; ++out) {
        const bool both = left < middle && right < end;
        const bool takes_right = both ? (descending ? is_less(keys[order[left]], keys[order[right]], budget)
                                                    : is_less(keys[order[right]], keys[order[left]], budget))
                                      : left == middle;
        merged[out] = takes_right ? order[right++] : order[left++];
      }
    }
    order.swap(merged);
  }
  std::vector<Value> sorted;
  sorted.reserve(items.size());
  for (const size_t i : order) sorted.push_back(std::move(items[i]));
  return sorted;
}

}  // namespace caravan::jinja
