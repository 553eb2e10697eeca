// What the tests of templates share: the fixtures that Python's jinja2 made.
#pragma once

#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "base/json.h"
#include "support/paths.h"

namespace caravan::test {

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

inline Json read_fixture(const std::string& name) {
  const std::filesystem::path path = fixture("jinja/" + name);
  return parse_json(read_text(path), path.string());
}

/// Saturday, 6 July 2024, 15:04:05: the clock that make_jinja_fixtures.py sets for Python.
inline std::tm fixed_time() {
  std::tm time{};
  time.tm_year = 124;
  time.tm_mon = 6;
  time.tm_mday = 6;
  time.tm_hour = 15;
  time.tm_min = 4;
  time.tm_sec = 5;
  time.tm_wday = 6;
  time.tm_yday = 187;
  return time;
}

}  // namespace caravan::test
