#include "cli/quantize/command.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <map>
#include <sstream>
#include <stop_token>

#include "base/error.h"
#include "base/machine.h"
#include "base/signals.h"
#include "cli/quantize/flags.h"
#include "cli/quantize/texts.h"
#include "cli/show/progress_line.h"
#include "cli/show/report_file.h"
#include "cli/show/size_text.h"
#include "cli/show/table.h"
#include "quantize/quantize_checkpoint.h"

namespace caravan::cli {

namespace {

namespace fs = std::filesystem;

/// As shells have it of a program that SIGINT ended.
constexpr int kStopped = 130;

/// Matrices that the report names.
constexpr size_t kWorst = 5;

uint64_t weight_bytes(const fs::path& folder) {
  uint64_t bytes = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".safetensors") bytes += entry.file_size();
  return bytes;
}

std::string percent(double share) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(3) << 100.0 * share << " %";
  return out.str();
}

void print_report(const QuantizeFlags& flags, uint64_t before, const std::vector<MatrixResult>& results,
                  double seconds) {
  const uint64_t after = weight_bytes(flags.output);
  std::cout << flags.output.string() << ": " << size_text(after) << ", from " << size_text(before) << ": "
            << std::fixed << std::setprecision(2) << static_cast<double>(before) / static_cast<double>(after)
            << " to 1, in " << std::setprecision(1) << seconds << " s\n";
  std::map<std::string, int64_t> kinds;
  for (const MatrixResult& result : results)
    ++kinds[result.format ? format_text(*result.format) : "as it is"];
  for (const auto& [kind, count] : kinds)
    std::cout << "  " << count << (count == 1 ? " matrix " : " matrices ") << kind << "\n";
  std::vector<MatrixResult> worst = results;
  std::erase_if(worst, [](const MatrixResult& result) { return !result.format; });
  if (worst.empty()) return;
  double squares = 0.0;
  for (const MatrixResult& result : worst) squares += result.error * result.error;
  std::cout << (flags.options.needs_text() ? "error of outputs on the calibration text" : "error of weights")
            << ": all together " << percent(std::sqrt(squares)) << "; the worst:\n";
  std::stable_sort(worst.begin(), worst.end(),
                   [](const MatrixResult& a, const MatrixResult& b) { return a.error > b.error; });
  worst.resize(std::min(worst.size(), kWorst));
  for (const MatrixResult& result : worst) {
    std::cout << "  " << TableLine().left(module_of(result.name), 40).right(percent(result.error), 12).text()
              << "\n";
  }
}

/// Writes the checkpoint. A signal ends it as soon as the matrix at hand is done, a second one at once;
/// either way nothing of what was written stays.
std::vector<MatrixResult> write_checkpoint(const QuantizeFlags& flags, const SourceCheckpoint& source,
                                           Signals& signals, ProgressLine& line) {
  std::vector<std::vector<int32_t>> texts;
  if (flags.options.needs_text()) texts = calibration_texts(flags, source.config());
  std::stop_source stop;
  // Before there is a folder that a signal could leave behind.
  const Signals::Listener listener(signals, [&](int count) {
    if (count == 1) {
      stop.request_stop();
      return;
    }
    std::error_code ignored;
    fs::remove_all(QuantizedFolderWriter::unfinished(flags.output), ignored);
    std::_Exit(kStopped);
  });
  QuantizedFolderWriter writer(flags.output);
  const auto progress = [&line](const std::string& what) { line.show("caravan quantize: " + what); };
  return quantize_checkpoint({source, flags.options, texts, progress, stop.get_token()}, writer);
}

}  // namespace

int quantize(const std::vector<std::string>& words) {
  const QuantizeFlags flags = parse_quantize_command(Arguments(quantize_command(), words));
  const double start = seconds_now();
  // Before any other thread, so that all leave the signals to this one.
  Signals signals(kStopped);
  const SourceCheckpoint source(flags.model);
  ProgressLine line(error_is_terminal());
  std::vector<MatrixResult> results;
  try {
    results = write_checkpoint(flags, source, signals, line);
    line.clear();
  } catch (const QuantizeStopped&) {
    line.clear();
    std::cerr << "caravan: stopped: " << flags.output.string() << " was not written\n";
    return kStopped;
  }
  print_report(flags, source.bytes(), results, seconds_now() - start);
  require_output_written();
  return 0;
}

}  // namespace caravan::cli
