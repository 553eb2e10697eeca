// The sentence that a wrong input gets, for tests that compare it.
#pragma once

#include <string>

#include "base/error.h"

namespace caravan::test {

/// The message of the Error that `call` throws, or "no Error" if it throws none.
template <typename Call>
std::string error_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no Error";
}

}  // namespace caravan::test
