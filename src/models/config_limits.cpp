#include "models/config_limits.h"

#include <cmath>

#include "base/error.h"

namespace caravan {

int64_t read_kv_heads(const JsonObject& root, const HeadFields& fields, const ModelConfig& config,
                      int64_t otherwise) {
  const int64_t heads = root.integer_or(fields.num_kv_heads, 1, config.num_heads, otherwise);
  if (config.num_heads % heads == 0) return heads;
  fail(root.source(), ": field ", in_quotes(fields.num_kv_heads), " is ", heads, ", expected a divisor of ",
       fields.num_heads, ", which is ", config.num_heads);
}

int64_t read_head_dim(const JsonObject& root, const HeadFields& fields, const ModelConfig& config) {
  if (!root.has(fields.head_dim) && config.hidden_size % config.num_heads != 0) {
    fail(root.source(), ": field ", in_quotes(fields.hidden_size), " is ", config.hidden_size,
         ", expected a multiple of ", fields.num_heads, ", which is ", config.num_heads, ", or a ",
         fields.head_dim);
  }
  const int64_t head_dim =
      root.integer_or(fields.head_dim, 1, kMaxWidth, config.hidden_size / config.num_heads);
  if (head_dim % 2 != 0) {
    fail(root.source(), ": field ", in_quotes(fields.head_dim), " is ", head_dim,
         root.has(fields.head_dim) ? ""
                                   : std::string(" (") + fields.hidden_size + " / " + fields.num_heads + ")",
         ", expected an even number, because rotary embedding turns pairs");
  }
  if (config.num_heads * head_dim > kMaxWidth) {
    fail(root.source(), ": ", fields.num_heads, " x ", fields.head_dim, " is ", config.num_heads * head_dim,
         ", expected at most ", kMaxWidth);
  }
  return head_dim;
}

int32_t read_token_id(const JsonObject& root, const std::string& name, const Json& value,
                      const ModelConfig& config) {
  const bool fits =
      value.is_number_unsigned() && value.get<uint64_t>() < static_cast<uint64_t>(config.vocab_size);
  if (fits) return value.get<int32_t>();
  fail(root.source(), ": field ", in_quotes(name), " is ", describe(value),
       ", expected a token id from 0 to ", config.vocab_size - 1, ", below vocab_size");
}

double yarn_mscale(double factor, double mscale) {
  return factor <= 1.0 ? 1.0 : 0.1 * mscale * std::log(factor) + 1.0;
}

}  // namespace caravan
