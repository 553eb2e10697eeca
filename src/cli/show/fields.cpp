#include "cli/show/fields.h"

namespace caravan::cli {

namespace {

std::string csv_field(const Json& value) {
  if (value.is_null()) return "";
  std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char each : text) quoted += each == '"' ? std::string("\"\"") : std::string(1, each);
  return quoted + "\"";
}

}  // namespace

Json json_object(const Fields& fields) {
  Json object = Json::object();
  for (const auto& [name, value] : fields) object[name] = value;
  return object;
}

std::string csv_of(const std::vector<Fields>& rows) {
  std::string names;
  std::string lines;
  for (const Fields& row : rows) {
    names.clear();
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      names += (i == 0 ? "" : ",") + row[i].first;
      line += (i == 0 ? "" : ",") + csv_field(row[i].second);
    }
    lines += line + "\n";
  }
  return names + "\n" + lines;
}

std::string json_text(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace caravan::cli
