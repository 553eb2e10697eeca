// What a seed has always drawn it must draw for ever: however fast truncation becomes, users' seeds are not
// to change their texts. The digests are those of the first implementation, which this one replaced.
#include <gtest/gtest.h>

#include <cmath>

#include "sampling/sampler.h"

namespace caravan {
namespace {

/// SplitMix64: the same numbers everywhere, which the standard's distributions are not.
class Numbers {
 public:
  explicit Numbers(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    state_ += 0x9e3779b97f4a7c15U;
    uint64_t bits = state_;
    bits = (bits ^ (bits >> 30U)) * 0xbf58476d1ce4e5b9U;
    bits = (bits ^ (bits >> 27U)) * 0x94d049bb133111ebU;
    return bits ^ (bits >> 31U);
  }
  /// About normal: a sum of twelve.
  double normal() {
    double sum = -6.0;
    for (int i = 0; i < 12; ++i) sum += static_cast<double>(next() >> 11U) * 0x1p-53;
    return sum;
  }

 private:
  uint64_t state_;
};

enum class RowKind { kFlat, kModel, kTied };

std::vector<float> row_of(RowKind kind, size_t vocab, uint64_t seed) {
  Numbers numbers(seed);
  std::vector<float> row(vocab);
  for (float& logit : row) {
    const double normal = numbers.normal();
    logit = static_cast<float>(kind == RowKind::kModel  ? 2.5 * normal
                               : kind == RowKind::kTied ? std::round(normal * 8.0) / 8.0
                                                        : normal);
  }
  if (kind == RowKind::kModel) {
    for (int i = 0; i < 20; ++i)
      row[numbers.next() % vocab] = static_cast<float>(12.0 + 2.5 * numbers.normal());
  }
  return row;
}

/// FNV-1a of the tokens that `params` draw from rows of the kind.
uint64_t digest(const SamplingParams& params, RowKind kind) {
  constexpr int kDraws = 12;
  uint64_t hash = 0xcbf29ce484222325U;
  for (const size_t vocab : {size_t{70}, size_t{3001}, size_t{32'000}}) {
    for (uint64_t seed = 0; seed < 3; ++seed) {
      const std::vector<float> row = row_of(kind, vocab, seed * 1000 + vocab);
      SamplingParams seeded = params;
      seeded.seed = seed;
      Sampler sampler(seeded);
      for (int i = 0; i < kDraws; ++i)
        hash = (hash ^ static_cast<uint64_t>(sampler.sample(row, {}, {}))) * 0x100000001b3U;
    }
  }
  return hash;
}

struct Constant {
  SamplingParams params;
  uint64_t flat;
  uint64_t model;
  uint64_t tied;
};

TEST(SamplerConstancy, ASeedDrawsWhatItHasAlwaysDrawn) {
  const std::vector<Constant> constants = {
      {{.top_k = 50}, 0x5b68c54705cc7450U, 0xd6addd9b9d1aef45U, 0x99f6b70d817150dU},
      {{.top_p = 0.1}, 0x116d6d7a7691e82cU, 0xb7100eb8b515eb99U, 0x9cb318030065f31eU},
      {{.top_p = 0.5}, 0xa1f69632386acce2U, 0x6fb47cc401054fb9U, 0xe37a77ce57a2bb18U},
      {{.top_p = 0.9}, 0x2d12c7836f9f5f5fU, 0x679c5c6c06589d2U, 0x8fd0a974cce5ef1fU},
      {{.top_p = 0.999}, 0xa583490001e49c90U, 0x37a62ca0f63021f9U, 0xa9dc9851f67ba0f3U},
      {{.min_p = 0.001}, 0x1c40d38169846d5eU, 0x206f07fc1cda7160U, 0x1c5112f2ba923d2eU},
      {{.min_p = 0.05}, 0xa4f959103bfcaf9eU, 0x87d414c4eeb1c5e2U, 0x1da622c5147a7cdaU},
      {{.typical_p = 0.2}, 0x3f6318a97d2c9bfbU, 0x589e14f6bf22b274U, 0xfbaaa268dd3d3034U},
      {{.typical_p = 0.9}, 0x39bf868e1156a589U, 0x43f023a6289474d3U, 0x2c474a53c5b83646U},
      {{.typical_p = 0.999}, 0x3f7026e623514648U, 0x64034e6314620969U, 0x3f4a397bab526d4fU},
      {{.temperature = 0.3, .top_p = 0.9}, 0xe17372b5d64629f8U, 0x4e21bec1d600882dU, 0xaf3a22f16a86758eU},
      {{.temperature = 3.0, .top_p = 0.9}, 0xc322f1deea5941f8U, 0xd51359134d1a4bd4U, 0x6bb7fbbc5465697U},
      {{.top_k = 40, .top_p = 0.8}, 0x4c57e8716d6361aaU, 0xac7d3cdf68daa149U, 0xf250028e8175668dU},
      {{.top_p = 0.95, .min_p = 0.01}, 0x1b55f7cd73107626U, 0x8d8a505bbb222ce4U, 0xf0dd047b75dffd11U},
      {{.top_p = 0.95, .typical_p = 0.6}, 0x1c9797b427e84f96U, 0x66d7ddef416c1221U, 0x8e8f3448aaf5807eU},
      {{.temperature = 0.7, .top_k = 1000, .top_p = 0.95, .min_p = 0.001, .typical_p = 0.9},
       0x13b5f9b03de14234U,
       0x5b6b3dddaf05aa1dU,
       0x132b6e91c0d3b7b6U},
  };
  for (size_t i = 0; i < constants.size(); ++i) {
    const Constant& constant = constants[i];
    EXPECT_EQ(digest(constant.params, RowKind::kFlat), constant.flat) << "params " << i;
    EXPECT_EQ(digest(constant.params, RowKind::kModel), constant.model) << "params " << i;
    EXPECT_EQ(digest(constant.params, RowKind::kTied), constant.tied) << "params " << i;
  }
}

}  // namespace
}  // namespace caravan
