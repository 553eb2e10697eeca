#include "text/jinja/object.h"

namespace caravan::jinja {

Value Object::call(const Arguments& /*arguments*/, Budget& /*budget*/) {
  problem("a ", type_name(), " cannot be called");
}

Value Object::attribute(const std::string& name, Budget& /*budget*/) {
  return Value::undefined("a " + type_name() + " has no attribute '" + name + "'");
}

void Object::set_attribute(const std::string& name, const Value& /*value*/) {
  problem("only a namespace() can have its attributes set, and '", name, "' is one of a ", type_name());
}

Keeper::~Keeper() {
  for (const auto& object : objects_) object->clear();
}

}  // namespace caravan::jinja
