#include "models/precision.h"

#include "base/error.h"
#include "models/record.h"

namespace caravan {

namespace {

/// The format in which the kernels take a stored matrix beside weights of `dtype`.
QuantizedFormat format_of(const QuantizedWeight& weight, DType dtype, const WeightStore& store) {
  const bool rows = weight.rows.mode != ActivationQuant::kNone;
  if (rows && !takes_quantized_rows(weight.quant)) {
    fail(store.where_is(weight.name), " is of ", weight.quant.bits, " bits",
         weight.quant.group != 0 ? " in groups of " + std::to_string(weight.quant.group) : "",
         weight.quant.zero_points ? " with zero points" : "",
         " for quantised activations, expected 8 bits with a scale for each output, or 4 bits in groups of a "
         "multiple of 4, both symmetric");
  }
  if (rows && weight.in > kMaxQuantizedInputs) {
    fail(store.where_is(weight.name), " has ", weight.in, " inputs, expected at most ", kMaxQuantizedInputs,
         " where activations are quantised, because sums are kept in 32 bits");
  }
  QuantizedFormat format = {weight.quant, weight.rows, weight.scale, rows ? DType::kI8 : dtype};
  if (is_lifted(format)) format.scale = DType::kF32;
  if (weight.row_kept > 0 && sparse_saves(format, weight.in, weight.row_kept))
    format.row_kept = weight.row_kept;
  return format;
}

}  // namespace

Precision precision_of(const ModelConfig& config, WeightStore& store, const LoadOptions& options) {
  const DType dtype = options.dtype.value_or(store.stored_dtype(config.dtype));
  const bool int8_cache = config.kv_cache_quant() != nullptr;
  Precision precision = {.weights = dtype,
                         .kv_cache = options.kv_cache_dtype.value_or(int8_cache ? DType::kI8 : dtype),
                         .quantized = {}};
  if (config.quantization && options.format == LoadFormat::kDummy) {
    fail(
        "config.json: has a quantization_config, which random weights cannot follow, expected a config "
        "without it "
        "and --quantize");
  }
  if (config.quantization && options.quantize) {
    fail("--quantize: found ", name_of(*options.quantize),
         " for a checkpoint that is quantised already, expected one that is not");
  }
  if (options.quantize) {
    store.prune_before_rounding(options.quantize->sparsity);
    precision.quantized = quantized_matrices(record_model(config, precision), *options.quantize, dtype);
    return precision;
  }
  store.find_quantized(config.quantization);
  for (const QuantizedWeight* weight : store.quantized())
    precision.quantized[weight->name] = format_of(*weight, dtype, store);
  return precision;
}

}  // namespace caravan
