// What a step of a recorded graph costs at least, whatever runs it: the arithmetic of its matmuls and
// attention, and the bytes that it must read. The physical limits of `caravan bench` are made of these.
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "graph/graph.h"

namespace caravan {

/// What a step computes of one sequence: its tokens `first` .. `first + count - 1`, and the logits of the
/// last.
struct StepSequence {
  int64_t first = 0;
  int64_t count = 1;
};

/// Of one op, or of several together.
struct Cost {
  double flops = 0.0;            ///< of matmuls and attention; a multiplication and an addition count as two
  double bytes = 0.0;            ///< of weights and of live keys and values, each read once
  double int8_operations = 0.0;  ///< of matmuls whose weights and inputs are both int8, counted likewise

  Cost& operator+=(const Cost& other);
};

/// The cost of each node of `graph` in a step over `sequences`, in the order of the nodes. Of an embedding
/// table only the rows that are looked up are read, and none more where a matmul reads the whole table
/// anyway. With a sliding window, only what lies within it is live. Of the weights of experts, those are read
/// that some token chose: as many as are to be expected where all experts are as likely for every token.
std::vector<Cost> cost_of_step(const Graph& graph, std::span<const StepSequence> sequences);

/// All of them together.
Cost total_of(std::span<const Cost> costs);

/// What the machine can do.
struct MachineRates {
  double bytes_per_second = 0.0;           ///< read
  std::optional<double> flops_per_second;  ///< nothing where it was not measured
  std::optional<double> int8_per_second = std::nullopt;
};

/// The least time of the step, in seconds: each op takes as long as its reading or, if that is longer and
/// known, its arithmetic.
double least_seconds(std::span<const Cost> costs, const MachineRates& rates);

/// The least time of the step's arithmetic alone, in seconds; nothing where it has some of a kind whose rate
/// is not known.
std::optional<double> least_arithmetic_seconds(std::span<const Cost> costs, const MachineRates& rates);

/// Bytes of all weights of `graph`.
uint64_t weight_bytes(const Graph& graph);

}  // namespace caravan
