#include "cli/flags/report_flags.h"

#include <filesystem>

#include "base/error.h"

namespace caravan::cli {

ReportFlags parse_report_flags(const Arguments& arguments, const char* plot) {
  ReportFlags flags;
  flags.json = arguments.text("--json");
  flags.csv = arguments.text("--csv");
  flags.plot = arguments.text(plot);
  if (flags.json == "-" && flags.csv == "-")
    fail("--csv: found \"-\", but --json has standard output already, expected a file");
  if (flags.plot == "-") fail(plot, ": found \"-\", expected a file");
  for (const char* flag : {"--json", "--csv", plot}) {
    if (arguments.text(flag) == "") fail(flag, ": found \"\", expected the name of a file to write");
  }
  const auto file_of = [&arguments](const char* flag) {
    return std::filesystem::absolute(*arguments.text(flag)).lexically_normal();
  };
  for (const auto& [one, other] : {std::pair{"--csv", "--json"}, {plot, "--json"}, {plot, "--csv"}}) {
    if (arguments.has(one) && arguments.has(other) && file_of(one) == file_of(other))
      fail(one, ": names the file of ", other, ", expected one of its own");
  }
  return flags;
}

}  // namespace caravan::cli
