#include "serve/running_model.h"

#include <future>

#include "models/config.h"
#include "support/paths.h"

namespace caravan::test {

namespace {

constexpr std::chrono::minutes kPatience{3};

}  // namespace

std::unique_ptr<Engine> make_demo_engine(const ServerSettings& settings) {
  EngineOptions options;
  options.threads = 2;
  options.isa = available_levels(cpu_features()).back();
  options.kv_cache = KvCacheKind::kPaged;
  options.max_sequences = settings.max_sequences;
  options.max_sequence_length = 512;
  options.kv_blocks = settings.kv_blocks;
  options.prefix_cache = settings.prefix_cache;
  options.prefill_stretch = 1.5;
  options.max_batch_tokens = settings.max_batch_tokens;
  return std::make_unique<Engine>(
      load_model(source_dir() / "models" / "demo",
                 {.dtype = std::nullopt, .kv_cache_dtype = settings.kv_cache_dtype, .compile = true}),
      options);
}

RunningModel::RunningModel(const ServerSettings& settings)
    : tokenizer_(load_tokenizer(source_dir() / "models" / "demo").value()) {
  const std::filesystem::path folder = source_dir() / "models" / "demo";
  chat_template_.emplace(tokenizer_.chat_template().value(), tokenizer_.special_tokens());
  serve::ServeOptions options;
  options.max_waiting = settings.max_waiting;
  options.http.max_queued_bytes = settings.max_queued_bytes;
  // Only what hangs reaches either limit, also where all is emulated or sanitized.
  options.drain_time = kPatience;
  const TemporaryFolder keys;
  if (!settings.keys.empty()) options.api_key_file = keys.write("keys", settings.keys);
  serve::ModelView view;
  view.name = "demo";
  view.version = "test";
  view.tokenizer = &tokenizer_;
  view.chat_template = &*chat_template_;
  view.defaults = load_generation_config(folder);
  const ModelConfig config = load_config(folder);
  view.eos_tokens = view.defaults.eos_tokens.empty() ? config.eos_tokens : view.defaults.eos_tokens;
  server_ = std::make_unique<serve::ModelServer>(
      options, serve::ServedModel{
                   view, [settings](const std::stop_token& /*stop*/) { return make_demo_engine(settings); }});
  std::promise<void> ready;
  thread_ = std::thread([this, &ready] { server_->run([&ready] { ready.set_value(); }); });
  ready.get_future().wait();
}

RunningModel::~RunningModel() {
  server_->stop();
  join();
}

void RunningModel::join() {
  if (thread_.joinable()) thread_.join();
}

Reply RunningModel::ask(const std::string& method, const std::string& path, const std::string& body,
                        const std::string& headers) const {
  Client client;
  if (!client.connect(port())) return {};
  client.send(request_text(method, path, headers, body));
  return client.reply();
}

Json RunningModel::post(const std::string& path, const std::string& body) const {
  return Json::parse(ask("POST", path, body).body);
}

double RunningModel::metric(const std::string& name) const {
  const std::string text = ask("GET", "/metrics").body;
  const size_t at = text.find("\n" + name + "{");
  if (at == std::string::npos) return -1.0;
  return std::stod(text.substr(text.find("} ", at) + 2));
}

bool RunningModel::wait_for(const std::string& name, double value) const {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < deadline) {
    if (metric(name) == value) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace caravan::test
