// Between the ops' arguments and the levels' plain tasks. Compiled for every x86-64 CPU; what it calls is
// not.
#include "kernels/cpu/levels.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "kernels/cpu/common/raw.h"
#include "kernels/cpu/x86/kv_write.h"
#include "kernels/cpu/x86/packed_linear.h"
#include "kernels/cpu/x86/reference_table.h"

namespace caravan::cpu {

namespace {

constexpr std::string_view kAvx2Name = "avx2";
constexpr std::string_view kAvx512Name = "avx512";
constexpr std::string_view kAvx512Bf16VnniName = "avx512_bf16_vnni";

/// Outputs that a lane takes at a time: one tile's rows, so that no tile is cut.
constexpr int64_t kLinearGrain = 8;
/// Elements that a lane takes at a time: a cache line of fp32, so that no two lanes write to one.
constexpr int64_t kElementGrain = 16;

// Each adapter is a function for each level, because a kernel table holds plain function pointers.

template <const LevelKernels& kLevel>
void linear(const LinearArgs& args, Lane lane) {
  const int64_t out = args.weight.shape[0];
  const Range part = share_of(out, lane, kLinearGrain);
  const LinearTask task = {.x = args.x.data,
                           .weight = args.weight.data,
                           .bias = static_cast<const float*>(args.bias.data),
                           .y = args.y.as<float>(),
                           .tokens = args.x.shape[0],
                           .in = args.x.shape[1],
                           .out = out,
                           .begin = part.begin,
                           .end = part.end};
  switch (args.weight.dtype) {
    case DType::kF32:
      return kLevel.linear_f32(task);
    case DType::kF16:
      return kLevel.linear_f16(task);
    default:
      return kLevel.linear_bf16(task);
  }
}

template <const LevelKernels& kLevel>
void rms_norm(const RmsNormArgs& args, Lane lane) {
  const Range part = share_of(args.x.shape[0], lane);
  const RowTask task = {.a = args.x.as<float>(),
                        .b = args.weight.as<float>(),
                        .y = args.y.data,
                        .width = args.x.shape[1],
                        .begin = part.begin,
                        .end = part.end,
                        .epsilon = args.epsilon};
  (args.y.dtype == DType::kF32 ? kLevel.rms_norm_f32 : kLevel.rms_norm_bf16)(task);
}

RowTask elements(const ConstTensorView& a, const ConstTensorView& b, const TensorView& y, Lane lane) {
  const Range part = share_of(y.shape.elements(), lane, kElementGrain);
  return {
      .a = a.as<float>(), .b = b.as<float>(), .y = y.data, .width = 0, .begin = part.begin, .end = part.end};
}

template <const LevelKernels& kLevel>
void silu_mul(const SiluMulArgs& args, Lane lane) {
  const RowTask task = elements(args.gate, args.up, args.y, lane);
  (args.y.dtype == DType::kF32 ? kLevel.silu_mul_f32 : kLevel.silu_mul_bf16)(task);
}

template <const LevelKernels& kLevel>
void add(const AddArgs& args, Lane lane) {
  kLevel.add_f32(elements(args.a, args.b, args.y, lane));
}

template <const LevelKernels& kLevel>
void rope(const RopeArgs& args, Lane lane) {
  const int64_t head_dim = args.angles.shape[1];
  const int64_t heads = args.x.shape[1] / head_dim;
  const Range part = share_of(args.x.shape[0] * heads, lane);
  for (int64_t item = part.begin; item < part.end; ++item) {
    kLevel.rope_f32({.x = args.x.as<float>() + item * head_dim,
                     .angles = args.angles.as<float>() + item / heads * head_dim,
                     .y = args.y.as<float>() + item * head_dim,
                     .half = head_dim / 2});
  }
}

/// One attention op: its sizes, and how it is cut into items that one lane does.
class AttentionWork {
 public:
  AttentionWork(const AttentionArgs& args, void (*kernel)(const AttentionRows&))
      : args_(args),
        kernel_(kernel),
        tokens_(args.q.shape[0]),
        kv_heads_(args.k_cache.shape[1]),
        block_size_(args.k_cache.shape[2]),
        head_dim_(args.k_cache.shape[3]),
        heads_(args.q.shape[1] / head_dim_) {}

  /// Items are taken in turn, so that each lane gets early and late tokens alike: late ones attend to more.
  void run(Lane lane) const {
    const int64_t run_limit = std::max<int64_t>(1, AttentionRows::kMaxRows / (heads_ / kv_heads_));
    int64_t item = 0;
    for (int64_t token = 0; token < tokens_;) {
      const int64_t count = run_at(token, run_limit);
      for (int64_t head = 0; head < kv_heads_; ++head) {
        if (item++ % lane.count == lane.index) attend(token, count, head);
      }
      token += count;
    }
  }

 private:
  [[nodiscard]] int64_t sequence(int64_t token) const { return args_.places.sequences.as<int32_t>()[token]; }
  [[nodiscard]] int64_t position(int64_t token) const { return args_.places.positions.as<int32_t>()[token]; }

  /// How many tokens from `token` on follow each other in one sequence, at most `limit`.
  [[nodiscard]] int64_t run_at(int64_t token, int64_t limit) const {
    int64_t count = 1;
    while (count < limit && token + count < tokens_ && sequence(token + count) == sequence(token) &&
           position(token + count) == position(token) + count) {
      ++count;
    }
    return count;
  }

  /// The query heads of KV head `kv_head`, for `count` tokens from `token` on.
  void attend(int64_t token, int64_t count, int64_t kv_head) const {
    const int64_t group = heads_ / kv_heads_;
    AttentionRows rows;
    prepare(rows, token, kv_head);
    for (int64_t t = token; t < token + count; ++t) {
      for (int64_t head = kv_head * group; head < (kv_head + 1) * group; ++head) {
        add_row(rows, t, head);
        if (rows.rows == AttentionRows::kMaxRows) flush(rows);
      }
    }
    flush(rows);
  }

  void prepare(AttentionRows& rows, int64_t token, int64_t kv_head) const {
    const auto element = static_cast<int64_t>(size_of(args_.k_cache.dtype));
    const int64_t head_offset = kv_head * block_size_ * head_dim_ * element;
    rows.k = static_cast<const char*>(args_.k_cache.data) + head_offset;
    rows.v = static_cast<const char*>(args_.v_cache.data) + head_offset;
    const int64_t row = std::max<int64_t>(0, sequence(token));
    rows.blocks = args_.places.block_table.as<int32_t>() + row * args_.places.block_table.shape[1];
    rows.block_stride = kv_heads_ * block_size_ * head_dim_;
    rows.block_size = block_size_;
    rows.head_dim = head_dim_;
    rows.scale = args_.scale;
  }

  void add_row(AttentionRows& rows, int64_t token, int64_t head) const {
    const int64_t offset = (token * heads_ + head) * head_dim_;
    char* y = static_cast<char*>(args_.y.data) + offset * static_cast<int64_t>(size_of(args_.y.dtype));
    if (sequence(token) < 0) {
      std::memset(y, 0, static_cast<size_t>(head_dim_) * size_of(args_.y.dtype));
      return;
    }
    const int64_t last = position(token);
    rows.q[rows.rows] = args_.q.as<float>() + offset;
    rows.y[rows.rows] = y;
    rows.first[rows.rows] = args_.window == 0 ? 0 : std::max<int64_t>(0, last - args_.window + 1);
    rows.last[rows.rows] = last;
    ++rows.rows;
  }

  void flush(AttentionRows& rows) const {
    if (rows.rows > 0) kernel_(rows);
    rows.rows = 0;
  }

  const AttentionArgs& args_;
  void (*kernel_)(const AttentionRows&);
  int64_t tokens_;
  int64_t kv_heads_;
  int64_t block_size_;
  int64_t head_dim_;
  int64_t heads_;
};

template <const LevelKernels& kLevel>
void attention(const AttentionArgs& args, Lane lane) {
  const bool f32 = args.y.dtype == DType::kF32;
  const DType cache = args.k_cache.dtype;
  void (*kernel)(const AttentionRows&) = nullptr;
  if (cache == DType::kF32 && f32) kernel = kLevel.attention_f32_f32;
  if (cache == DType::kF16 && f32) kernel = kLevel.attention_f16_f32;
  if (cache == DType::kBF16) kernel = f32 ? kLevel.attention_bf16_f32 : kLevel.attention_bf16_bf16;
  if (kernel == nullptr || args.k_cache.shape[3] > kMaxHeadDim) {
    return reference_table().attention.at(cache).run(args, lane);
  }
  AttentionWork(args, kernel).run(lane);
}

template <const LevelKernels& kLevel>
void add_kernels(KernelTable& table, std::string_view level) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    table.linear.set(dtype, linear<kLevel>, level);
    table.packed_linear.set(dtype, packed_linear<kLevel>, level);
    table.kv_write.set(dtype, kv_write<kLevel>, level);
    table.rope_kv_write.set(dtype, rope_kv_write<kLevel>, level);
    table.attention.set(dtype, attention<kLevel>, level);
  }
  for (const DType dtype : {DType::kF32, DType::kBF16}) {
    table.rms_norm.set(dtype, rms_norm<kLevel>, level);
    table.silu_mul.set(dtype, silu_mul<kLevel>, level);
  }
  table.rope.set(DType::kF32, rope<kLevel>, level);
  table.add.set(DType::kF32, add<kLevel>, level);
}

}  // namespace

bool has_level_kernels() { return true; }

void add_avx2_kernels(KernelTable& table) { add_kernels<kAvx2Kernels>(table, kAvx2Name); }

void add_avx512_kernels(KernelTable& table) { add_kernels<kAvx512Kernels>(table, kAvx512Name); }

void add_avx512_bf16_vnni_kernels(KernelTable& table) {
  add_kernels<kAvx512Bf16VnniKernels>(table, kAvx512Bf16VnniName);
}

Peak peak_of(std::string_view level, DType dtype) {
  const LevelKernels* kernels = level == kAvx2Name             ? &kAvx2Kernels
                                : level == kAvx512Name         ? &kAvx512Kernels
                                : level == kAvx512Bf16VnniName ? &kAvx512Bf16VnniKernels
                                                               : nullptr;
  if (kernels == nullptr || !is_floating(dtype)) return {};
  const PeakKernel& peak = dtype == DType::kBF16 ? kernels->peak_bf16 : kernels->peak_f32;
  return {peak.run, peak.operations_per_step};
}

}  // namespace caravan::cpu
