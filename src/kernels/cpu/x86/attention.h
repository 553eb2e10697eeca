// Attention by a level's kernels: how the work is cut into items, and which lane does which.
//
// An item is a run (tokens that follow each other in one sequence) and as many KV heads as a kernel call has
// rows for: their keys lie next to each other, and memory is faster in long pieces. Where a context is long
// for the number of items, and there is scratch for it, an item is one chunk of that context, and the lane
// that finishes the last chunk merges them. How work is cut never changes a bit of the result. Thread safety:
// one AttentionWork for each lane.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstring>

#include "kernels/cpu/common/raw.h"
#include "ops/kernel_table.h"

namespace caravan::cpu {

static_assert(kAttentionChunk == kAttentionChunkPositions);
static_assert(kScaledGroup == kScaledSlots);
static_assert(std::atomic_ref<int32_t>::required_alignment == alignof(int32_t));

struct AttentionKernels {
  void (*whole)(const AttentionRows&) = nullptr;  ///< null where the level has none for the dtypes
  void (*chunk)(const AttentionRows&, Index) = nullptr;
  void (*merge)(const AttentionRows&) = nullptr;
};

template <const LevelKernels& kLevel>
AttentionKernels attention_kernels(const AttentionArgs& args) {
  const bool f32 = args.y.dtype == DType::kF32;
  const auto merge = f32 ? kLevel.attention_merge_f32 : kLevel.attention_merge_bf16;
  switch (args.k_cache.dtype) {
    case DType::kF32:
      return {f32 ? kLevel.attention_f32_f32 : nullptr, kLevel.attention_chunk_f32, merge};
    case DType::kF16:
      return {f32 ? kLevel.attention_f16_f32 : nullptr, kLevel.attention_chunk_f16, merge};
    case DType::kI8:
      return {f32 ? kLevel.attention_i8_f32 : kLevel.attention_i8_bf16, kLevel.attention_chunk_i8, merge};
    default:
      return {f32 ? kLevel.attention_bf16_f32 : kLevel.attention_bf16_bf16, kLevel.attention_chunk_bf16,
              merge};
  }
}

/// One lane's part of one attention op.
class AttentionWork {
 public:
  AttentionWork(const AttentionArgs& args, const AttentionKernels& kernels, Lane lane)
      : args_(args),
        kernels_(kernels),
        lane_(lane),
        layout_(kv_layout_of(args.k_cache)),
        tokens_(args.q.shape[0]),
        kv_heads_(layout_.kv_heads),
        block_size_(layout_.block_size),
        head_dim_(layout_.head_dim),
        heads_(args.q.shape[1] / head_dim_) {}

  void run() {
    // Short runs where tokens are few, so that there are some for each lane.
    const int64_t fair = (tokens_ * kv_heads_ - 1) / busy_items() + 1;
    run_limit_ = std::min(std::max<int64_t>(1, AttentionRows::kMaxRows / group()), fair);
    measure();
    Run current = run_before(tokens_);
    int64_t done = 0;  // items of the runs before `current`
    lane_.for_each(items_, [&](int64_t item) {
      for (; item - done >= items_of(current); current = run_before(current.tokens.begin)) {
        done += items_of(current);
        ++current_index_;
      }
      do_item(current, item - done);
    });
  }

 private:
  /// Tokens that follow each other in one sequence, and the chunks of the context that they attend to.
  struct Run {
    Range tokens;
    Range chunks;
  };

  [[nodiscard]] int64_t sequence(int64_t token) const { return args_.places.sequences.as<int32_t>()[token]; }
  [[nodiscard]] int64_t position(int64_t token) const { return args_.places.positions.as<int32_t>()[token]; }
  [[nodiscard]] int64_t group() const { return heads_ / kv_heads_; }
  [[nodiscard]] int64_t first_position(int64_t token) const {
    return args_.window == 0 ? 0 : std::max<int64_t>(0, position(token) - args_.window + 1);
  }

  /// The run that ends before token `end`. From the end, because late tokens of a sequence attend to more:
  /// the longest items are handed out first.
  [[nodiscard]] Run run_before(int64_t end) const {
    if (end == 0) return {};
    int64_t begin = end - 1;
    while (end - begin < run_limit_ && begin > 0 && sequence(begin - 1) == sequence(begin) &&
           position(begin - 1) == position(begin) - 1) {
      --begin;
    }
    if (sequence(begin) < 0) return {{begin, end}, {0, 1}};
    return {{begin, end}, {first_position(begin) / kAttentionChunk, position(end - 1) / kAttentionChunk + 1}};
  }

  /// So many items that the last lane to finish has little to wait for.
  [[nodiscard]] int64_t busy_items() const {
    constexpr int64_t kItemsPerLane = 4;
    return lane_.count == 1 ? 1 : kItemsPerLane * lane_.count;
  }

  /// KV heads of an item of `run`.
  [[nodiscard]] int64_t heads_of(const Run& run) const {
    // In larger blocks a head's own keys are long pieces.
    constexpr int64_t kLongBlock = 64;
    if (block_size_ >= kLongBlock) return 1;
    const int64_t head_rows = (run.tokens.end - run.tokens.begin) * group();
    return std::clamp<int64_t>(AttentionRows::kMaxRows / head_rows, 1, head_limit_);
  }
  [[nodiscard]] int64_t head_groups_of(const Run& run) const { return (kv_heads_ - 1) / heads_of(run) + 1; }
  [[nodiscard]] int64_t items_of(const Run& run) const {
    return head_groups_of(run) * (shares_ ? run.chunks.end - run.chunks.begin : 1);
  }

  /// Counts the items, and decides whether contexts are shared: where the longest takes more of a lane's fair
  /// part of all than leaves the lanes balanced.
  void measure() {
    int64_t runs = 0;
    int64_t all = 0;       // chunks of all runs
    int64_t unshared = 0;  // chunks of all items, were each a whole context
    head_limit_ = kv_heads_;
    for (Run run = run_before(tokens_); run.tokens.end > 0; run = run_before(run.tokens.begin)) {
      const int64_t chunks = run.chunks.end - run.chunks.begin;
      ++runs;
      all += chunks;
      unshared += chunks * head_groups_of(run);
      chunks_ = std::max(chunks_, chunks);
    }
    const int64_t needed =
        attention_counters(tokens_, kv_heads_) + tokens_ * heads_ * chunks_ * result_elements();
    const bool can_share = chunks_ > 1 && args_.scratch.data != nullptr && args_.scratch.shape[0] >= needed;
    shares_ = lane_.count > 1 && can_share && chunks_ * busy_items() > unshared;
    head_limit_ = std::clamp<int64_t>((shares_ ? all : runs) * kv_heads_ / busy_items(), 1, kv_heads_);
    for (Run run = run_before(tokens_); run.tokens.end > 0; run = run_before(run.tokens.begin))
      items_ += items_of(run);
  }

  [[nodiscard]] int64_t result_elements() const { return attention_result_elements(head_dim_); }

  void do_item(const Run& run, int64_t item) {
    const int64_t chunks = run.chunks.end - run.chunks.begin;
    if (!shares_ || chunks == 1) {
      return for_rows(run, item, [this](const AttentionRows& rows) { kernels_.whole(rows); });
    }
    const int64_t heads = item / chunks;
    for_rows(run, heads,
             [&](const AttentionRows& rows) { kernels_.chunk(rows, run.chunks.begin + item % chunks); });
    std::atomic_ref<int32_t> finished(args_.scratch.as<int32_t>()[current_index_ * kv_heads_ + heads]);
    if (finished.fetch_add(1, std::memory_order_acq_rel) + 1 < chunks) return;
    finished.store(0, std::memory_order_relaxed);
    for_rows(run, heads, [this](const AttentionRows& rows) { kernels_.merge(rows); });
  }

  /// Calls body(rows) for the query heads of a run's KV heads number `item`, of all its tokens, as many at a
  /// time as a kernel takes.
  template <typename Body>
  void for_rows(const Run& run, int64_t item, const Body& body) const {
    const int64_t first = item * heads_of(run);
    const int64_t end = std::min(first + heads_of(run), kv_heads_);
    AttentionRows rows;
    prepare(rows, run.tokens.begin, first);
    for (int64_t kv_head = first; kv_head < end; ++kv_head) {
      for (int64_t t = run.tokens.begin; t < run.tokens.end; ++t) {
        for (int64_t head = kv_head * group(); head < (kv_head + 1) * group(); ++head) {
          // Only a single KV head can have more rows than a kernel takes.
          if (rows.rows == AttentionRows::kMaxRows) call(rows, 1, body);
          add_row(rows, t, head);
        }
      }
    }
    call(rows, end - first, body);
  }

  template <typename Body>
  void call(AttentionRows& rows, int64_t kv_heads, const Body& body) const {
    rows.head_rows = rows.rows / static_cast<int>(kv_heads);
    if (rows.rows > 0) body(rows);
    rows.rows = 0;
  }

  void prepare(AttentionRows& rows, int64_t token, int64_t kv_head) const {
    const auto element = static_cast<int64_t>(size_of(args_.k_cache.dtype));
    const int64_t head_offset = kv_head * layout_.head_stride() * element;
    rows.k = static_cast<const char*>(args_.k_cache.data) + head_offset;
    rows.v = static_cast<const char*>(args_.v_cache.data) + head_offset;
    const int64_t row = std::max<int64_t>(0, sequence(token));
    rows.blocks = args_.places.block_table.as<int32_t>() + row * args_.places.block_table.shape[1];
    rows.block_stride = layout_.block_stride();
    rows.head_stride = layout_.head_stride();
    rows.block_size = block_size_;
    rows.head_dim = head_dim_;
    rows.scale = args_.scale;
  }

  void add_row(AttentionRows& rows, int64_t token, int64_t head) const {
    const int64_t row = token * heads_ + head;
    const auto width = head_dim_ * static_cast<int64_t>(size_of(args_.y.dtype));
    char* y = static_cast<char*>(args_.y.data) + row * width;
    if (sequence(token) < 0) {
      std::memset(y, 0, static_cast<size_t>(width));
      return;
    }
    rows.q[rows.rows] = args_.q.as<float>() + row * head_dim_;
    rows.y[rows.rows] = y;
    rows.first[rows.rows] = first_position(token);
    rows.last[rows.rows] = position(token);
    rows.partials[rows.rows] = shares_ ? args_.scratch.as<float>() + attention_counters(tokens_, kv_heads_) +
                                             row * chunks_ * result_elements()
                                       : nullptr;
    ++rows.rows;
  }

  const AttentionArgs& args_;
  AttentionKernels kernels_;
  Lane lane_;
  KvLayout layout_;
  int64_t tokens_;
  int64_t kv_heads_;
  int64_t block_size_;
  int64_t head_dim_;
  int64_t heads_;
  int64_t run_limit_ = 1;
  int64_t head_limit_ = 1;
  int64_t chunks_ = 0;  ///< of the longest run: what each row has room for in scratch
  int64_t items_ = 0;
  bool shares_ = false;
  int64_t current_index_ = 0;  ///< of the run that the lane is at, from the last on
};

}  // namespace caravan::cpu
