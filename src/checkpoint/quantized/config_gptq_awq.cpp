#include <algorithm>

#include "base/error.h"
#include "checkpoint/quantized/config_methods.h"

namespace caravan {

namespace {

/// The field `name`, or its older name `old_name`.
std::string spelled(const JsonObject& fields, const std::string& name, const std::string& old_name) {
  return fields.has(name) || !fields.has(old_name) ? name : old_name;
}

/// A group's inputs; 0 for -1, which means all of them.
int64_t parse_group(const JsonObject& fields, const std::string& name) {
  const int64_t group = fields.integer(name, -1, kMaxQuantGroup);
  if (group == 0) fields.wrong(name, "-1 or a positive number of inputs");
  return std::max<int64_t>(group, 0);
}

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

}  // namespace

GptqConfig parse_gptq_config(const JsonObject& fields) {
  GptqConfig config;
  config.bits = static_cast<int>(fields.integer("bits", 1, 64));
  if (config.bits != 4 && config.bits != 8) fields.wrong("bits", "4 or 8");
  config.group = parse_group(fields, "group_size");
  config.symmetric = fields.boolean_or("sym", true);
  config.desc_act = fields.boolean_or("desc_act", false);
  const std::string name = spelled(fields, "checkpoint_format", "format");
  const std::string format = fields.string_or(name, "gptq");
  if (format != "gptq" && format != "gptq_v2") fields.wrong(name, R"("gptq" or "gptq_v2")");
  config.zeros_less_1 = format == "gptq";
  if (fields.boolean_or("is_marlin_format", false)) {
    fields.wrong("is_marlin_format", "false: matrices in Marlin's order are not supported");
  }
  if (const std::optional<JsonObject> by_module = fields.object("dynamic");
      by_module && !by_module->json().empty()) {
    fields.wrong("dynamic", "none: other numbers for some modules are not supported");
  }
  if (fields.string_or("pack_dtype", "int32") != "int32") fields.wrong("pack_dtype", "\"int32\"");
  return config;
}

AwqConfig parse_awq_config(const JsonObject& fields) {
  AwqConfig config;
  const std::string bits = spelled(fields, "bits", "w_bit");
  if (fields.integer(bits, 1, 64) != 4) fields.wrong(bits, "4");
  config.group = parse_group(fields, spelled(fields, "group_size", "q_group_size"));
  config.zero_point = fields.boolean_or("zero_point", true);
  if (lower_case(fields.string_or("version", "gemm")) != "gemm") fields.wrong("version", "\"gemm\"");
  return config;
}

}  // namespace caravan
