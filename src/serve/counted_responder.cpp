#include "serve/counted_responder.h"

namespace caravan::serve {

namespace {

class CountedResponder : public http::Responder {
 public:
  CountedResponder(std::shared_ptr<http::Responder> responder, ServerMetrics& metrics)
      : responder_(std::move(responder)), metrics_(metrics) {}
  ~CountedResponder() override { close(); }
  CountedResponder(const CountedResponder&) = delete;
  CountedResponder& operator=(const CountedResponder&) = delete;

  void send(http::Response response) override {
    metrics_.response(response.status);
    responder_->send(std::move(response));
  }
  void start(http::Response head) override {
    metrics_.response(head.status);
    ++metrics_.server.open_streams;
    streams_ = true;
    responder_->start(std::move(head));
  }
  void write(std::string piece) override { responder_->write(std::move(piece)); }
  void finish() override {
    close();
    responder_->finish();
  }
  [[nodiscard]] size_t queued_bytes() const override { return responder_->queued_bytes(); }
  void on_gone(std::function<void()> gone) override { responder_->on_gone(std::move(gone)); }

 private:
  void close() {
    if (streams_) --metrics_.server.open_streams;
    streams_ = false;
  }

  std::shared_ptr<http::Responder> responder_;
  ServerMetrics& metrics_;
  bool streams_ = false;
};

}  // namespace

std::shared_ptr<http::Responder> counted(std::shared_ptr<http::Responder> responder, ServerMetrics& metrics) {
  return std::make_shared<CountedResponder>(std::move(responder), metrics);
}

}  // namespace caravan::serve
