// Reads one JSON object that may be a call of a function, byte by byte as it is generated:
// {"name": "f", "parameters": {…}}, with "arguments" for "parameters" and "function" for "name" as models
// also write them, and with "type" and "id" passed over.
//
// Invariant: once started() is true it never becomes false; take_arguments() then gives the arguments in
// order. Thread safety: one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>

namespace caravan::serve::openai {

class CallScanner {
 public:
  enum class Result : uint8_t {
    kMore,  ///< the byte belongs to the object
    kDone,  ///< and it was its last: a call
    kNot,   ///< the byte does not fit: it and, unless started(), all before it are no call
  };

  /// `names` are the functions that may be called; they must outlive the scanner.
  explicit CallScanner(const std::set<std::string>& names) : names_(&names) {}

  /// The next byte after the opening brace.
  Result push(char c);
  /// It is a call: its name is known, and its arguments have begun.
  [[nodiscard]] bool started() const { return started_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  /// The arguments' bytes since the last call of this function.
  std::string take_arguments();

 private:
  enum class State : uint8_t { kFirstKey, kNextKey, kKey, kColon, kValue, kString, kNested, kScalar, kAfter };
  enum class Meaning : uint8_t { kName, kArguments, kOther };

  Result begin_value(char c);
  Result in_string(char c);
  Result in_nested(char c);
  Result after_value(char c);
  bool take_key();
  bool take_string();
  bool take_nested();
  /// Starts the call if all is known that it needs.
  void start_if_known();

  const std::set<std::string>* names_;
  State state_ = State::kFirstKey;
  Meaning meaning_ = Meaning::kOther;
  std::string text_;  ///< of the key or value that is being read
  bool escaped_ = false;
  bool quoted_ = false;   ///< inside a string of a nested value
  size_t depth_ = 0;      ///< of a nested value
  bool streams_ = false;  ///< the nested value is the arguments of a call that has started
  std::string name_;
  bool has_arguments_ = false;
  std::string arguments_;
  bool started_ = false;
};

}  // namespace caravan::serve::openai
