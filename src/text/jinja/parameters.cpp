#include "text/jinja/parameters.h"

#include <algorithm>

namespace caravan::jinja {

Parameters::Parameters(std::string_view function, const Arguments& arguments,
                       std::initializer_list<std::string_view> names, size_t required)
    : function_(function), names_(names), values_(names.size(), nullptr) {
  if (arguments.positional.size() > names_.size())
    problem(function, " takes at most ", names_.size(), " arguments, not ", arguments.positional.size());
  for (size_t i = 0; i < arguments.positional.size(); ++i) values_[i] = &arguments.positional[i];
  for (const auto& [name, value] : arguments.keywords) {
    const auto found = std::find(names_.begin(), names_.end(), name);
    if (found == names_.end()) problem(function, " takes no argument '", name, "'");
    const Value*& place = values_[static_cast<size_t>(found - names_.begin())];
    if (place != nullptr) problem(function, " is given the argument '", name, "' twice");
    place = &value;
  }
  for (size_t i = 0; i < required; ++i)
    if (values_[i] == nullptr) problem(function, " needs the argument '", names_[i], "'");
}

void Parameters::wrong(size_t index, std::string_view expected) const {
  problem("the argument '", names_[index], "' of ", function_, " is a ", values_[index]->type_name(),
          ", not ", expected);
}

int64_t Parameters::integer(size_t index, int64_t otherwise) const {
  if (values_[index] == nullptr) return otherwise;
  const auto integer = values_[index]->integral();
  if (!integer) wrong(index, "an int");
  return *integer;
}

bool Parameters::truth(size_t index, bool otherwise) const {
  return values_[index] == nullptr ? otherwise : is_true(*values_[index]);
}

const std::string* Parameters::text(size_t index) const {
  if (values_[index] == nullptr || values_[index]->is_none()) return nullptr;
  return &required_text(index);
}

const std::string& Parameters::required_text(size_t index) const {
  const std::string* text = values_[index]->as_text();
  if (text == nullptr) wrong(index, "a str");
  return *text;
}

}  // namespace caravan::jinja
