#include "serve/metrics/prometheus.h"

#include "serve/metrics/exposition.h"

namespace caravan::serve {

namespace {

void one(Exposition& out, std::string_view name, std::string_view type, std::string_view help,
         const Labels& labels, double value) {
  out.family(name, type, help);
  out.sample(labels, value);
}

void spread(Exposition& out, std::string_view name, std::string_view help, const Labels& labels,
            const Histogram& histogram) {
  out.family(name, "histogram", help);
  out.samples(labels, histogram);
}

void write_engine(Exposition& out, const ServerMetrics& metrics, const Labels& model) {
  const EngineFigures& engine = metrics.engine;
  const auto gauge = [&](std::string_view name, std::string_view help, double value) {
    one(out, name, "gauge", help, model, value);
  };
  gauge("vllm:num_requests_running", "Requests that the engine steps.", static_cast<double>(engine.running));
  gauge("vllm:num_requests_waiting", "Requests that wait to be run.", static_cast<double>(engine.waiting));
  gauge("vllm:kv_cache_usage_perc", "Share of the KV cache that sequences hold; 1 is all of it.",
        engine.kv_usage());
  gauge("vllm:gpu_cache_usage_perc", "The same under vLLM's earlier name, on any device.", engine.kv_usage());
  gauge("caravan_kv_blocks", "Blocks of the KV cache.", static_cast<double>(engine.total_blocks));
  gauge("caravan_kv_blocks_used", "Blocks that sequences hold.", static_cast<double>(engine.used_blocks));
  gauge("caravan_kv_blocks_cached", "Blocks that no sequence holds, kept for prompts that start alike.",
        static_cast<double>(engine.cached_blocks));
  gauge("caravan_kv_block_tokens", "Positions of a block.", static_cast<double>(engine.block_tokens));
}

void write_counters(Exposition& out, const ServerMetrics& metrics, const Labels& model) {
  const auto counter = [&](std::string_view name, std::string_view help, double value) {
    one(out, name, "counter", help, model, value);
  };
  counter("vllm:num_preemptions_total",
          "Sequences that gave their blocks up to others, to be computed again.",
          static_cast<double>(metrics.engine.preemptions));
  counter("vllm:prefix_cache_queries_total", "Prompt tokens looked for in the prefix cache.",
          static_cast<double>(metrics.engine.prefix_query_tokens));
  counter("vllm:prefix_cache_hits_total", "Prompt tokens found in the prefix cache.",
          static_cast<double>(metrics.engine.prefix_hit_tokens));
  counter("vllm:prompt_tokens_total", "Prompt tokens of requests that had their first token.",
          static_cast<double>(metrics.prompt_tokens));
  counter("vllm:prompt_tokens_cached_total", "Of them, those that the prefix cache had.",
          static_cast<double>(metrics.cached_prompt_tokens));
  counter("caravan_prompt_tokens_computed_total",
          "Prompt tokens that steps computed, those computed again after preemption too.",
          static_cast<double>(metrics.computed_prompt_tokens));
  counter("vllm:generation_tokens_total", "Tokens that were sampled.",
          static_cast<double>(metrics.generated_tokens));
  out.family("vllm:request_success_total", "counter", "Requests that ended, by how.");
  for (size_t i = 0; i < kFinishedReasons; ++i) {
    Labels labels = model;
    labels.emplace_back("finished_reason", finished_reason_name(static_cast<FinishedReason>(i)));
    out.sample(labels, static_cast<double>(metrics.finished[i]));
  }
}

void write_histograms(Exposition& out, const ServerMetrics& metrics, const Labels& model) {
  const auto histogram = [&](std::string_view name, std::string_view help, const Histogram& values) {
    spread(out, name, help, model, values);
  };
  histogram("vllm:time_to_first_token_seconds", "From a request's arrival to its first token.",
            metrics.first_token_seconds);
  histogram("vllm:inter_token_latency_seconds", "From one token of a sequence to the next.",
            metrics.inter_token_seconds);
  histogram("vllm:time_per_output_token_seconds", "The same under vLLM's earlier name.",
            metrics.inter_token_seconds);
  histogram("vllm:request_time_per_output_token_seconds",
            "Of each request, the time after its first token divided by the tokens after it.",
            metrics.time_per_output_token);
  histogram("vllm:e2e_request_latency_seconds", "From a request's arrival to its end.",
            metrics.request_seconds);
  histogram("vllm:request_queue_time_seconds", "Of each request, the time that it waited to be run.",
            metrics.queue_seconds);
  histogram("vllm:request_inference_time_seconds", "Of each request, the time that it ran.",
            metrics.inference_seconds);
  histogram("vllm:request_prefill_time_seconds",
            "Of each request, from leaving the queue to the first token.", metrics.prefill_seconds);
  histogram("vllm:request_decode_time_seconds", "Of each request, from the first token to the end.",
            metrics.decode_seconds);
  histogram("vllm:request_prompt_tokens", "Prompt tokens of each request.", metrics.request_prompt_tokens);
  histogram("vllm:request_generation_tokens", "Tokens that each request got.", metrics.request_output_tokens);
  histogram("vllm:request_max_num_generation_tokens", "Tokens that each request allowed.",
            metrics.request_max_output);
  histogram("vllm:request_params_n", "Continuations that each request made.", metrics.request_candidates);
  histogram("vllm:iteration_tokens_total", "Tokens of each step of the engine.", metrics.step_tokens);
  histogram("caravan_step_seconds", "Time of each step of the engine.", metrics.step_seconds);
  histogram("caravan_step_host_seconds", "Of each step, the time for all but the model.",
            metrics.step_host_seconds);
  histogram("caravan_step_network_seconds",
            "Beside each step, the CPU time of the thread that does HTTP and makes answers.",
            metrics.step_network_seconds);
  histogram("caravan_guided_mask_seconds", "Of each step with guided output, the time for its masks.",
            metrics.guided_mask_seconds);
}

void write_server(Exposition& out, const ServerMetrics& metrics) {
  one(out, "caravan_connections", "gauge", "Open connections.", {},
      static_cast<double>(metrics.server.connections));
  one(out, "caravan_open_streams", "gauge", "Answers that are being streamed.", {},
      static_cast<double>(metrics.server.open_streams));
  out.family("caravan_http_responses_total", "counter", "HTTP responses by status.");
  for (const auto& [status, count] : metrics.responses)
    out.sample({{"code", std::to_string(status)}}, static_cast<double>(count));
  one(out, "caravan_build_info", "gauge", "The version that runs; always 1.", {{"version", metrics.version}},
      1.0);
}

void write_process(Exposition& out, const ProcessFigures& process) {
  one(out, "process_start_time_seconds", "gauge", "When the process started, in seconds since 1970.", {},
      process.start_seconds);
  one(out, "process_cpu_seconds_total", "counter", "CPU time of the process, of all threads.", {},
      process.cpu_seconds);
  one(out, "process_resident_memory_bytes", "gauge", "Memory that the process holds.", {},
      static_cast<double>(process.resident_bytes));
  one(out, "process_virtual_memory_bytes", "gauge", "Addresses that the process has mapped.", {},
      static_cast<double>(process.virtual_bytes));
  one(out, "process_open_fds", "gauge", "Open file descriptors.", {},
      static_cast<double>(process.open_descriptors));
  one(out, "process_threads", "gauge", "Threads of the process.", {}, static_cast<double>(process.threads));
}

}  // namespace

std::string render_prometheus(const ServerMetrics& metrics) {
  const Labels model = {{"model_name", metrics.model_name}};
  Exposition out;
  write_engine(out, metrics, model);
  write_counters(out, metrics, model);
  write_histograms(out, metrics, model);
  write_server(out, metrics);
  write_process(out, metrics.process);
  return out.text();
}

}  // namespace caravan::serve
