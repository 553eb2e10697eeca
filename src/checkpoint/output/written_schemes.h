// The quantization_config of a checkpoint that is being written, in compressed-tensors' words.
// Thread safety: none.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "checkpoint/quantized/config.h"

namespace caravan {

class WrittenSchemes {
 public:
  /// A matrix of this module was written so.
  void add(const std::string& module, const QuantScheme& scheme);
  /// The same matrix was written without its zeros: `kept` of `all` numbers.
  void add_sparse(const std::string& module, int64_t kept, int64_t all);
  /// A matrix of this module was written as it was.
  void add_plain(const std::string& module);
  void set_kv_cache(const KvCacheQuant& kv_cache) { kv_cache_ = kv_cache; }

  /// Modules of one scheme are the class "Linear", and "lm_head" where it is one of them, without those that
  /// were written as they were. Where there are several schemes, each module is named: older versions of vLLM
  /// take "Linear" for a matrix that they make of q, k and v before they look for their names.
  [[nodiscard]] Json json() const;

 private:
  /// What "sparsity_config" says; null where no matrix is sparse.
  [[nodiscard]] Json sparsity() const;

  struct Written {
    QuantScheme scheme;
    std::vector<std::string> modules;
  };
  std::vector<Written> written_;
  std::vector<std::string> plain_;
  std::set<std::string> sparse_;
  int64_t kept_ = 0;  ///< numbers of sparse matrices that are stored
  int64_t all_ = 0;   ///< and all of them
  std::optional<KvCacheQuant> kv_cache_;
};

}  // namespace caravan
