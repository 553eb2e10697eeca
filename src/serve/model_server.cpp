#include "serve/model_server.h"

#include "base/log.h"
#include "base/machine.h"
#include "serve/all_dialects.h"
#include "serve/counted_responder.h"
#include "serve/own_paths.h"
#include "serve/request_log.h"

namespace caravan::serve {

/// What a request asks for, read and ready to be carried out.
struct ModelServer::Prepared {
  const Dialect* dialect = nullptr;
  std::variant<Outcome, Failure> outcome;
  Calls::Guides guides;  ///< of a call
};

namespace {

std::string address_of(const ServeOptions& options, uint16_t port) {
  const std::string& host = options.http.host;
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
}

/// What is wrong, where reading or running a request threw. What is neither is a bug, and is logged.
Failure failure_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const RequestError& error) {
    return error.failure();
  } catch (const Error& error) {
    return {FailureKind::kInvalid, error.what(), "", ""};
  } catch (const std::exception& error) {
    log(LogLevel::kError, "a request failed: ", error.what());
    return {FailureKind::kInternal, "internal error", "", ""};
  }
}

}  // namespace

ModelServer::ModelServer(const ServeOptions& options, ServedModel model)
    : options_(options),
      model_(std::move(model)),
      view_(model_.view),
      keys_(options.api_key_file.has_value() ? ApiKeys(*options.api_key_file) : ApiKeys()),
      router_(all_dialects()),
      metrics_(view_.name, view_.version, view_.max_context),
      http_(options.http, [this](http::Request request, std::shared_ptr<http::Responder> responder) {
        handle(std::move(request), counted(std::move(responder), metrics_));
      }) {}

ModelServer::~ModelServer() {
  if (loader_.joinable()) loader_.join();
}

void ModelServer::run(const std::function<void()>& ready) {
  ready_ = ready;
  worker_ = std::make_unique<Worker>();
  loader_ = std::thread([this] { load(); });
  http_.run();
  loader_.join();
  worker_.reset();
  if (engine_ != nullptr) engine_->stop();
  if (load_error_ != nullptr) std::rethrow_exception(load_error_);
}

void ModelServer::load() {
  try {
    trie_ = std::make_shared<const TokenTrie>(*view_.tokenizer);
    engine_ = std::make_unique<EngineService>(
        [this] { return model_.make_engine(loading_.get_token()); },
        [this](StepEvents events) {
          http_.post([this, events = std::move(events)] { calls_->deliver(events); });
        });
    http_.post([this] { finish_loading(); });
  } catch (const LoadStopped&) {
    http_.stop();
  } catch (...) {
    load_error_ = std::current_exception();
    http_.stop();
  }
}

void ModelServer::finish_loading() {
  view_.dtype = name_of(engine_->dtype());
  view_.max_context = engine_->max_length();
  view_.vocab_size = engine_->config().vocab_size;
  view_.hidden_size = engine_->config().hidden_size;
  view_.max_sequences = engine_->options().max_sequences;
  view_.max_choices = engine_->options().max_sequences;
  view_.max_waiting = options_.max_waiting;
  view_.block_size = kPagedBlockSize;
  metrics_.engine.total_blocks = engine_->total_blocks();
  metrics_.engine.block_tokens = kPagedBlockSize;
  calls_ =
      std::make_unique<Calls>(*engine_, view_, metrics_, CallLimits{view_.max_sequences + view_.max_waiting},
                              [this](std::chrono::milliseconds delay, std::function<void()> work) {
                                return http_.call_after(delay, std::move(work));
                              });
  if (draining_) return calls_->drain();
  if (ready_) ready_();
}

std::optional<Failure> ModelServer::refuse_key(http::Request& request, std::string& client) const {
  const std::optional<size_t> key = keys_.key_of(request);
  request.authorized = key.has_value();
  client = key.has_value() ? "key " + std::to_string(*key) : request.peer;
  if (!keys_.required() || key.has_value() || is_open_path(request)) return std::nullopt;
  return Failure{FailureKind::kUnauthorized,
                 "this server wants an API key: send the header \"Authorization: Bearer KEY\"", "",
                 "invalid_api_key"};
}

void ModelServer::handle(http::Request request, const std::shared_ptr<http::Responder>& responder) {
  CallOrigin origin = {request.id, request.path, "", seconds_now()};
  metrics_.server.connections = static_cast<int64_t>(http_.connections());
  if (const auto failure = refuse_key(request, origin.client))
    return responder->send(router_.dialect_of(request.path).failure(*failure));
  if (auto answer = answer_own_path(request, metrics_, address_of(options_, port())))
    return responder->send(std::move(*answer));
  Match match;
  try {
    match = router_.find(request.method, request.path, is_own_path(request.path));
  } catch (const RequestError& error) {
    return responder->send(router_.dialect_of(request.path).failure(error.failure()));
  }
  ServerStatus status;
  if (calls_ == nullptr) {
    status.ready = false;
  } else {
    status = calls_->status();
  }
  if (request.body.empty() && request.method != "POST")
    return carry_out(prepare(match, request, status), std::move(origin), responder);
  if (calls_ == nullptr) {
    return responder->send(
        match.dialect->failure({FailureKind::kUnavailable, "the model is still loading", "", ""}));
  }
  worker_->post(
      [this, match, status, responder, request = std::move(request), origin = std::move(origin)]() mutable {
        auto prepared = std::make_shared<Prepared>(prepare(match, request, status));
        http_.post([this, prepared, responder, origin = std::move(origin)]() mutable {
          carry_out(std::move(*prepared), std::move(origin), responder);
        });
      });
}

ModelServer::Prepared ModelServer::prepare(const Match& match, const http::Request& request,
                                           const ServerStatus& status) const {
  Prepared prepared;
  prepared.dialect = match.dialect;
  try {
    Outcome outcome = match.route->handle(request, match.values, {view_, status});
    if (const auto* call = std::get_if<Call>(&outcome)) {
      for (const Generation& generation : call->generations) {
        try {
          prepared.guides.push_back(generation.guide.has_value() ? compile_guide(*generation.guide, trie_)
                                                                 : nullptr);
        } catch (const Error& error) {
          throw RequestError({FailureKind::kInvalid, "\"" + generation.guide_field + "\": " + error.what(),
                              generation.guide_field, ""});
        }
      }
    }
    prepared.outcome = std::move(outcome);
  } catch (...) {
    prepared.outcome = failure_of(std::current_exception());
  }
  return prepared;
}

void ModelServer::carry_out(Prepared prepared, CallOrigin origin,
                            const std::shared_ptr<http::Responder>& responder) {
  if (const auto* failure = std::get_if<Failure>(&prepared.outcome)) {
    log_refusal(origin, *failure);
    return responder->send(prepared.dialect->failure(*failure));
  }
  auto& outcome = std::get<Outcome>(prepared.outcome);
  if (auto* response = std::get_if<http::Response>(&outcome)) return responder->send(std::move(*response));
  if (auto* cancellation = std::get_if<CancelRequest>(&outcome)) {
    const bool found = calls_ != nullptr && calls_->cancel(cancellation->id);
    return responder->send(std::move(found ? cancellation->answer : cancellation->not_running));
  }
  if (auto* stopping = std::get_if<StopServer>(&outcome)) {
    responder->send(std::move(stopping->answer));
    return stopping->force ? stop() : drain();
  }
  if (calls_ == nullptr) {
    return responder->send(
        prepared.dialect->failure({FailureKind::kUnavailable, "the model is still loading", "", ""}));
  }
  calls_->open(std::move(origin), std::move(std::get<Call>(outcome)), prepared.guides, *prepared.dialect,
               responder);
}

void ModelServer::drain() {
  loading_.request_stop();
  http_.post([this] {
    if (draining_) return;
    draining_ = true;
    log(LogLevel::kInfo, "stopping: ", http_.unanswered(), " requests may finish within ",
        options_.drain_time.count(), " s");
    if (calls_ != nullptr) calls_->drain();
    http_.post_after(options_.drain_time, [this] {
      log(LogLevel::kWarning, "stopping: ", http_.unanswered(), " requests are cut off");
      http_.stop();
    });
    stop_when_idle();
  });
}

void ModelServer::stop_when_idle() {
  // A client that reads slowly is still owed what is queued for it.
  constexpr std::chrono::milliseconds kLookAgain{20};
  if (http_.unanswered() == 0) return http_.stop();
  http_.post_after(kLookAgain, [this] { stop_when_idle(); });
}

void ModelServer::stop() {
  loading_.request_stop();
  http_.stop();
}

}  // namespace caravan::serve
