#include "cli/serve.h"

#include <chrono>
#include <iostream>

#include "base/error.h"
#include "base/log.h"
#include "base/machine.h"
#include "base/signals.h"
#include "base/version.h"
#include "cli/text_model.h"
#include "engine/kv_budget.h"
#include "serve/model_server.h"

namespace caravan::cli {

namespace {

constexpr int64_t kDefaultPort = 8000;
/// Sequences that run together: more gain no throughput on a CPU, and each takes its share of the KV cache.
constexpr int64_t kDefaultBatchSize = 64;
/// A prompt's piece: large enough for full speed, small enough that what comes next need not wait for
/// seconds.
constexpr int64_t kDefaultBatchTokens = 512;
/// So that the slowest of a hundred steps, which take turns with other work of the machine, still keeps 1.5.
constexpr double kDefaultStretch = 1.2;
constexpr int64_t kMebibyte = 1024 * 1024;
/// Files that are open beside connections: the model's, the port, what a library opens for a moment.
constexpr uint64_t kOtherFiles = 64;

OptionGroup server_option_group() {
  return {"Server",
          {
              {"--host", "ADDRESS", "where to listen; 0.0.0.0 or :: for everybody (127.0.0.1)"},
              {"--port", "N", "0 for any free one (8000)"},
              {"--served-model-name", "NAME", "that requests give (the folder's or file's name)"},
              {"--api-key-file", "FILE", "API keys, one a line; requests must show one"},
              {"--tls-cert", "FILE", "serve HTTPS with this certificate chain (PEM)"},
              {"--tls-key", "FILE", "and its private key (PEM)"},
              {"--cors-origin", "ORIGIN", "let pages of this origin call the API; * for all"},
              {"--max-body-mb", "MB", "refuse larger requests (16)"},
              {"--max-waiting", "N", "prompts that may wait beside those that run (1024)"},
              {"--drain-seconds", "S", "for what runs to finish after SIGTERM (30)"},
              {"--max-sequence-length", "N", "longest prompt and output together (the model's context)"},
              {"--prefix-cache", "WHEN", "on, or off: compute every prompt from its beginning (on)"},
              {"--prefill-stretch", "R", "a decode step may take R times as long for prompts; 0: any (1.2)"},
          }};
}

Command make_command() {
  return {
      .name = "serve",
      .summary = "Serves a model over HTTP: the OpenAI, TGI, MindIE and KServe APIs, and a web page.",
      .usage = "--model-path DIR [options]",
      .groups = {server_option_group(), engine_option_group()},
      .aliases = engine_aliases(),
      .positional = "",
  };
}

std::optional<http::TlsFiles> parse_tls(const Arguments& arguments) {
  const auto certificate = arguments.text("--tls-cert");
  const auto key = arguments.text("--tls-key");
  if (certificate.has_value() != key.has_value()) {
    fail(certificate.has_value() ? "--tls-key" : "--tls-cert",
         ": is missing, expected both --tls-cert and --tls-key, or neither");
  }
  if (!certificate.has_value()) return std::nullopt;
  return http::TlsFiles{*certificate, *key};
}

/// As many connections as there may be files: whoever comes then is told 503, and not left waiting.
size_t connections_within(uint64_t files, size_t wanted) {
  if (files >= wanted + kOtherFiles) return wanted;
  const uint64_t most = files > kOtherFiles ? files - kOtherFiles : 1;
  log(LogLevel::kWarning, "this process may open ", files, " files (ulimit -Hn), so that it takes ", most,
      " connections at a time and not ", wanted);
  return most;
}

serve::ServeOptions parse_server(const Arguments& arguments) {
  serve::ServeOptions options;
  options.http.host = arguments.text("--host").value_or(options.http.host);
  options.http.port = static_cast<uint16_t>(arguments.integer("--port", 0, 65535).value_or(kDefaultPort));
  options.http.tls = parse_tls(arguments);
  options.http.cors_origin = arguments.text("--cors-origin");
  options.http.max_body_bytes =
      static_cast<size_t>(arguments.integer("--max-body-mb", 1, 4096).value_or(16) * kMebibyte);
  options.http.max_connections = connections_within(raise_open_files_limit(), options.http.max_connections);
  if (const auto file = arguments.text("--api-key-file")) options.api_key_file = *file;
  options.max_waiting = arguments.integer("--max-waiting", 0, 1'000'000).value_or(options.max_waiting);
  options.drain_time = std::chrono::seconds(
      arguments.integer("--drain-seconds", 0, 86400).value_or(options.drain_time.count()));
  return options;
}

EngineOptions parse_engine(const Arguments& arguments, const EngineFlags& flags, const ModelConfig& config) {
  EngineOptions engine = flags.engine;
  if (arguments.has("--kv-cache") && engine.kv_cache != KvCacheKind::kPaged)
    fail("--kv-cache: found contiguous, expected paged: a server shares its cache among all sequences");
  engine.kv_cache = KvCacheKind::kPaged;
  if (!arguments.has("--batch-size")) engine.max_sequences = kDefaultBatchSize;
  if (!arguments.has("--max-batch-tokens")) engine.max_batch_tokens = kDefaultBatchTokens;
  engine.prefix_cache = arguments.choice("--prefix-cache", {"on", "off"}).value_or("on") == "on";
  engine.prefill_stretch = arguments.number("--prefill-stretch", 0.0, 1000.0).value_or(kDefaultStretch);
  if (engine.prefill_stretch > 0.0 && engine.prefill_stretch < 1.0)
    fail("--prefill-stretch: found ", engine.prefill_stretch, ", expected 0 (no limit), or 1 or more");
  engine.max_sequence_length =
      arguments.integer("--max-sequence-length", 2, config.max_position).value_or(config.max_position);
  return engine;
}

/// Loads the weights, then makes an engine with as much cache as fits beside them. Throws LoadStopped where
/// it is asked to stop.
std::unique_ptr<Engine> make_engine(TextModel& model, EngineOptions options, const std::stop_token& stop) {
  const double start = seconds_now();
  LoadOptions load = model.flags.load;
  load.stop = stop;
  options.on_tuning = [stop, tell = options.on_tuning](size_t done, size_t all) {
    if (stop.stop_requested()) throw LoadStopped();
    if (tell) tell(done, all);
  };
  const std::string path = model.flags.model_path.string();
  load.before_weights = [&](uint64_t weight_bytes, const Precision& precision) {
    static_cast<void>(
        kv_budget(model.config, options, weight_bytes, precision.kv_cache, machine_memory().available_bytes));
  };
  Model weights = load_model(model.flags.model_path, load);
  const uint64_t bytes = weights.weight_bytes();
  // Mapped weights are no longer free memory, or never were: they count once.
  const uint64_t available = machine_memory().available_bytes + bytes;
  const KvBudget budget = kv_budget(model.config, options, bytes, weights.kv_dtype, available);
  options.kv_blocks = budget.blocks;
  log(LogLevel::kInfo, budget.arithmetic);
  auto engine = std::make_unique<Engine>(std::move(weights), options);
  log(LogLevel::kInfo, "loaded ", path, " in ", model.load_seconds + seconds_now() - start,
      " s; kernels: ", name_of(options.isa), ", threads: ", options.threads);
  return engine;
}

std::string model_name(const Arguments& arguments, const std::filesystem::path& folder) {
  if (const auto name = arguments.text("--served-model-name")) return *name;
  const std::filesystem::path whole = std::filesystem::absolute(folder).lexically_normal();
  const std::filesystem::path last = (whole.has_filename() ? whole : whole.parent_path()).filename();
  return (last.extension() == ".gguf" ? last.stem() : last).string();
}

serve::ModelView view_of(const TextModel& model, const std::string& name, const ChatTemplate* chat_template) {
  serve::ModelView view;
  view.name = name;
  view.path = model.flags.model_path.string();
  view.version = kVersion;
  view.created =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  view.tokenizer = &*model.tokenizer;
  view.chat_template = chat_template;
  view.defaults = model.generation;
  view.eos_tokens =
      model.generation.eos_tokens.empty() ? model.config.eos_tokens : model.generation.eos_tokens;
  return view;
}

}  // namespace

const Command& serve_command() {
  static const Command kCommand = make_command();
  return kCommand;
}

int serve(const std::vector<std::string>& words) {
  const Arguments arguments(serve_command(), words);
  if (!arguments.has("--log-level")) set_log_level(LogLevel::kInfo);
  const EngineFlags flags = parse_engine_flags(arguments);
  const serve::ServeOptions options = parse_server(arguments);
  TextModel model = open_text_model(flags);
  if (!model.tokenizer.has_value())
    fail("--model-path: ", in_quotes(flags.model_path.string()), " has no tokenizer, which a server needs");
  const EngineOptions engine = parse_engine(arguments, flags, model.config);
  std::optional<ChatTemplate> chat_template;
  if (const auto& text = model.tokenizer->chat_template()) {
    chat_template.emplace(*text, model.tokenizer->special_tokens(),
                          flags.model_path.string() + ": the chat template");
  }
  const std::string name = model_name(arguments, flags.model_path);

  // Before any other thread, so that all leave the signals to this one.
  Signals signals(0);
  serve::ModelServer server(
      options, {view_of(model, name, chat_template.has_value() ? &*chat_template : nullptr),
                [&model, &engine](const std::stop_token& stop) { return make_engine(model, engine, stop); }});
  const Signals::Listener listener(signals, [&server](int count) {
    if (count == 1) return server.drain();
    server.stop();
  });
  const std::string scheme = options.http.tls.has_value() ? "https" : "http";
  const std::string host =
      options.http.host.find(':') == std::string::npos ? options.http.host : "[" + options.http.host + "]";
  const std::string url = scheme + "://" + host + ":" + std::to_string(server.port());
  std::cerr << "caravan: listening on " << url << ", loading " << flags.model_path.string() << "\n";
  server.run([&] {
    std::cerr << "caravan: ready: " << name << " on " << url << " (the page is " << url << "/). Try:\n"
              << "  curl " << (options.http.tls.has_value() ? "-k " : "") << url
              << "/v1/completions -H 'Content-Type: application/json' \\\n"
              << "    -d '{\"prompt\": \"Once upon a time\", \"max_tokens\": 40}'\n";
  });
  return 0;
}

}  // namespace caravan::cli
