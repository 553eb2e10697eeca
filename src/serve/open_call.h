// One HTTP request while the engine works on it: its generations, what has come of them, and the answer in
// the words of its dialect.
//
// Choices are told as they come, unless they must first be compared (ranked, or more candidates than choices,
// or beams): then all at the end. Thread safety: the I/O thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/service.h"
#include "serve/api/dialect.h"
#include "serve/choice_stream.h"
#include "serve/http/responder.h"

namespace caravan::serve {

/// Who asked, and when.
struct CallOrigin {
  std::string id;  ///< of the HTTP request
  std::string path;
  std::string client;    ///< whom the engine charges
  double arrival = 0.0;  ///< seconds_now()
};

class OpenCall {
 public:
  /// `model` outlives it.
  OpenCall(CallOrigin origin, Call call, const ModelView& model, const Dialect& dialect,
           std::shared_ptr<http::Responder> responder);

  /// What the engine is asked for generation `index`.
  [[nodiscard]] Request engine_request(size_t index, std::shared_ptr<const CompiledGuide> guide) const;

  /// A stream's head goes out.
  void begin();
  void admitted(size_t index, int64_t cached_tokens, double now);
  /// Takes one result in. Returns the choice that the engine need not go on with, where a stop string ended
  /// it.
  std::optional<int64_t> take(size_t index, const StepResult& result, double now);
  /// Ends what is still open of generation `index`.
  void time_out(size_t index, double now);
  /// Sends what has gathered since the last call; the end, too, once everything is finished.
  void flush();
  /// Ends all of it with an error.
  void fail(const Failure& failure);

  [[nodiscard]] bool finished() const { return open_ == 0; }
  [[nodiscard]] const CallOrigin& origin() const { return origin_; }
  [[nodiscard]] const Call& call() const { return call_; }
  [[nodiscard]] const std::vector<GenerationResult>& results() const { return results_; }
  [[nodiscard]] const std::shared_ptr<http::Responder>& responder() const { return responder_; }
  [[nodiscard]] bool was_admitted(size_t index) const { return states_.at(index).admitted; }
  [[nodiscard]] bool is_open(size_t index) const { return states_.at(index).open_choices > 0; }
  /// Seconds from each choice's token to its next, since the last call.
  [[nodiscard]] std::vector<double> take_gaps() { return std::exchange(gaps_, {}); }

 private:
  struct ChoiceState {
    ChoiceStream stream;
    ChoiceResult result;
    double last = 0.0;  ///< when its last token came
    bool open = true;
  };
  struct State {
    std::vector<ChoiceState> choices;  ///< candidates
    int64_t open_choices = 0;
    bool deferred = false;
    bool admitted = false;
    bool prompt_told = false;
  };

  void take_prompt(size_t index, const StepResult& result);
  void take_beams(size_t index, const StepResult& result, double now);
  void tell_prompt(size_t index);
  /// Puts the event into the results, and on its way where the choice is told at once.
  void add(ChoiceEvent event);
  void finish_generation(size_t index, double now);
  void write(const std::string& text) { out_ += text; }

  CallOrigin origin_;
  Call call_;
  const ModelView& model_;
  const Dialect& dialect_;
  std::shared_ptr<http::Responder> responder_;
  std::vector<State> states_;              ///< by generation
  std::vector<GenerationResult> results_;  ///< by generation
  size_t open_ = 0;                        ///< generations
  bool answered_ = false;
  std::string out_;  ///< of the stream, not written yet
  std::vector<double> gaps_;
};

}  // namespace caravan::serve
