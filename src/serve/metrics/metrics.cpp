#include "serve/metrics/metrics.h"

#include <algorithm>
#include <utility>

namespace caravan::serve {

namespace {

// vLLM's bounds, so that its dashboards' heat maps fit, with finer ones below for models that a CPU runs
// fast.
constexpr std::array kFirstTokenBounds = {0.001, 0.005, 0.01, 0.02,  0.04,  0.06,  0.08, 0.1,
                                          0.25,  0.5,   0.75, 1.0,   2.5,   5.0,   7.5,  10.0,
                                          20.0,  40.0,  80.0, 160.0, 640.0, 2560.0};
constexpr std::array kTokenBounds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075,
                                     0.1,    0.15,  0.2,    0.3,   0.4,  0.5,   0.75, 1.0,
                                     2.5,    5.0,   7.5,    10.0,  20.0, 40.0,  80.0};
constexpr std::array kRequestBounds = {0.01, 0.05,  0.1,   0.2,   0.3,   0.5,    0.8,   1.0,  1.5,
                                       2.0,  2.5,   5.0,   10.0,  15.0,  20.0,   30.0,  40.0, 50.0,
                                       60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 7680.0};
constexpr std::array kStepTokenBounds = {1.0,   8.0,    16.0,   32.0,   64.0,   128.0,  256.0,
                                         512.0, 1024.0, 2048.0, 4096.0, 8192.0, 16384.0};
constexpr std::array kCandidateBounds = {1.0, 2.0, 5.0, 10.0, 20.0};
constexpr std::array kStepBounds = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                    0.05,   0.1,     0.25,   0.5,   1.0,    2.5,   5.0};
constexpr std::array kHostBounds = {0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005,
                                    0.001,   0.0025,   0.005,   0.01,   0.025,   0.1};

}  // namespace

std::string_view finished_reason_name(FinishedReason reason) {
  constexpr std::array<std::string_view, kFinishedReasons> kNames = {"stop", "length", "abort", "error"};
  return kNames[static_cast<size_t>(reason)];
}

double EngineFigures::kv_usage() const {
  return total_blocks > 0 ? static_cast<double>(used_blocks) / static_cast<double>(total_blocks) : 0.0;
}

ServerMetrics::ServerMetrics(std::string model, std::string caravan_version, int64_t max_context)
    : model_name(std::move(model)),
      version(std::move(caravan_version)),
      first_token_seconds(kFirstTokenBounds),
      inter_token_seconds(kTokenBounds),
      time_per_output_token(kTokenBounds),
      request_seconds(kRequestBounds),
      queue_seconds(kRequestBounds),
      inference_seconds(kRequestBounds),
      prefill_seconds(kRequestBounds),
      decode_seconds(kRequestBounds),
      request_prompt_tokens(one_two_five(max_context)),
      request_output_tokens(one_two_five(max_context)),
      request_max_output(one_two_five(max_context)),
      request_candidates(kCandidateBounds),
      step_tokens(kStepTokenBounds),
      step_seconds(kStepBounds),
      step_host_seconds(kHostBounds),
      step_network_seconds(kHostBounds),
      guided_mask_seconds(kHostBounds) {}

void ServerMetrics::first_token(double seconds, int64_t prompt, int64_t cached) {
  first_token_seconds.observe(seconds);
  recent_first_token_seconds.add(seconds);
  prompt_tokens += static_cast<uint64_t>(prompt);
  cached_prompt_tokens += static_cast<uint64_t>(cached);
}

void ServerMetrics::next_token(double seconds) { inter_token_seconds.observe(seconds); }

void ServerMetrics::request_finished(const RequestFigures& figures) {
  ++finished[static_cast<size_t>(figures.reason)];
  request_seconds.observe(figures.total_seconds);
  queue_seconds.observe(figures.queue_seconds);
  request_prompt_tokens.observe(static_cast<double>(figures.prompt_tokens));
  request_output_tokens.observe(static_cast<double>(figures.output_tokens));
  request_max_output.observe(static_cast<double>(figures.max_output));
  request_candidates.observe(static_cast<double>(figures.candidates));
  inference_seconds.observe(std::max(0.0, figures.total_seconds - figures.queue_seconds));
  if (!figures.first_token_seconds) return;
  const double decode = std::max(0.0, figures.total_seconds - *figures.first_token_seconds);
  prefill_seconds.observe(std::max(0.0, *figures.first_token_seconds - figures.queue_seconds));
  decode_seconds.observe(decode);
  // Candidates decode side by side; each one's first token is not part of the decoding.
  const double per_candidate = static_cast<double>(figures.output_tokens) /
                               static_cast<double>(std::max<int64_t>(1, figures.candidates));
  if (per_candidate <= 1.0) return;
  time_per_output_token.observe(decode / (per_candidate - 1.0));
  recent_time_per_output_token.add(decode / (per_candidate - 1.0));
}

void ServerMetrics::step(const StepFigures& figures) {
  computed_prompt_tokens += static_cast<uint64_t>(figures.prompt_tokens);
  generated_tokens += static_cast<uint64_t>(figures.generated_tokens);
  step_tokens.observe(static_cast<double>(figures.prompt_tokens + figures.generated_tokens));
  step_seconds.observe(figures.seconds);
  step_host_seconds.observe(figures.host_seconds);
  step_network_seconds.observe(figures.network_seconds);
  if (figures.guided_sequences > 0) guided_mask_seconds.observe(figures.guided_mask_seconds);
}

void ServerMetrics::response(int status) { ++responses[status]; }

}  // namespace caravan::serve
