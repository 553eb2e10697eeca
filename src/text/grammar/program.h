// A grammar checked and laid out for matching.
//
// Sequences become interned lists, so that equal ends of sequences are one cell; bytes that no set tells
// apart become one class. Invariants: every rule's every alternative can be completed; no rule begins with
// itself other than as the whole of an alternative, or of what it repeats. Thread safety: constant once
// compiled.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <string>
#include <vector>

#include "text/grammar/grammar.h"

namespace caravan::grammar {

/// A sequence: its first symbol, and the cell of the rest. Cell 0 is the empty sequence.
struct Cell {
  Symbol symbol;
  uint32_t rest = 0;
};

struct Program {
  std::string source;
  std::vector<Cell> cells;
  std::vector<ByteSet> class_sets;      ///< Grammar::sets, as classes of bytes
  std::vector<uint32_t> first;          ///< of each rule in `alternatives`, and one past the last rule's
  std::vector<uint32_t> alternatives;   ///< cells
  std::vector<Repetition> times;        ///< of each rule
  std::vector<bool> advances;           ///< of each rule: no alternative matches the empty text
  std::array<uint8_t, 256> class_of{};  ///< of each byte
  uint32_t classes = 0;
  uint32_t start = 0;  ///< the cell of the whole text
};

/// The first rule with a name that can match no finite text, or nothing. `grammar` as a front end made it.
std::optional<std::string> endless_rule(const Grammar& grammar);

/// Throws Error if the root can match no finite text or a rule is left-recursive.
Program compile_program(const Grammar& grammar);

}  // namespace caravan::grammar
