#include "serve/openai/call_scanner.h"

#include <optional>
#include <utility>

#include "base/error.h"
#include "base/json.h"

namespace caravan::serve::openai {

namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::optional<Json> parsed(const std::string& text) {
  try {
    return parse_json(text, "a call");
  } catch (const Error&) {
    return std::nullopt;
  }
}

/// The string whose inside, escapes included, is `inside`.
std::optional<std::string> unescaped(const std::string& inside) {
  const std::optional<Json> value = parsed("\"" + inside + "\"");
  if (!value || !value->is_string()) return std::nullopt;
  return value->get<std::string>();
}

bool is_object(const std::string& text) {
  const std::optional<Json> value = parsed(text);
  return value && value->is_object();
}

}  // namespace

std::string CallScanner::take_arguments() { return std::exchange(arguments_, {}); }

CallScanner::Result CallScanner::push(char c) {
  switch (state_) {
    case State::kFirstKey:
    case State::kNextKey:
      if (is_space(c)) return Result::kMore;
      if (c != '"') return Result::kNot;
      text_.clear();
      state_ = State::kKey;
      return Result::kMore;
    case State::kKey:
      // No key that counts has an escape in it.
      if (c == '\\') return Result::kNot;
      if (c != '"') {
        text_ += c;
        return Result::kMore;
      }
      state_ = State::kColon;
      return take_key() ? Result::kMore : Result::kNot;
    case State::kColon:
      if (c == ':') state_ = State::kValue;
      return c == ':' || is_space(c) ? Result::kMore : Result::kNot;
    case State::kValue:
      return is_space(c) ? Result::kMore : begin_value(c);
    case State::kString:
      return in_string(c);
    case State::kNested:
      return in_nested(c);
    case State::kScalar:
      if (c != ',' && c != '}' && !is_space(c)) return Result::kMore;
      state_ = State::kAfter;
      return after_value(c);
    case State::kAfter:
      return after_value(c);
  }
  return Result::kNot;
}

bool CallScanner::take_key() {
  meaning_ = Meaning::kOther;
  if (started_) return true;
  if (text_ == "name" || text_ == "function") {
    meaning_ = Meaning::kName;
    return name_.empty();
  }
  if (text_ == "parameters" || text_ == "arguments") {
    meaning_ = Meaning::kArguments;
    return !has_arguments_;
  }
  return text_ == "type" || text_ == "id";
}

CallScanner::Result CallScanner::begin_value(char c) {
  text_.clear();
  escaped_ = quoted_ = false;
  if (c == '"') {
    state_ = State::kString;
    return Result::kMore;
  }
  const bool arguments = meaning_ == Meaning::kArguments && c == '{';
  if (!started_ && !arguments) return Result::kNot;
  if (c != '{' && c != '[') {
    if (c == ',' || c == '}' || c == ']' || c == ':') return Result::kNot;
    state_ = State::kScalar;
    return Result::kMore;
  }
  if (arguments) {
    has_arguments_ = true;
    start_if_known();
  }
  streams_ = arguments && started_;
  depth_ = 0;
  state_ = State::kNested;
  return in_nested(c);
}

CallScanner::Result CallScanner::in_string(char c) {
  if (escaped_) {
    escaped_ = false;
  } else if (c == '\\') {
    escaped_ = true;
  } else if (c == '"') {
    state_ = State::kAfter;
    return started_ || take_string() ? Result::kMore : Result::kNot;
  }
  text_ += c;
  return Result::kMore;
}

bool CallScanner::take_string() {
  if (meaning_ == Meaning::kOther) return true;
  const std::optional<std::string> value = unescaped(text_);
  if (!value) return false;
  if (meaning_ == Meaning::kName) {
    name_ = *value;
    if (!names_->contains(name_)) return false;
  } else {
    if (!is_object(*value)) return false;
    arguments_ = *value;
    has_arguments_ = true;
  }
  start_if_known();
  return true;
}

CallScanner::Result CallScanner::in_nested(char c) {
  (streams_ ? arguments_ : text_) += c;
  if (quoted_) {
    if (escaped_) {
      escaped_ = false;
    } else if (c == '\\') {
      escaped_ = true;
    } else if (c == '"') {
      quoted_ = false;
    }
    return Result::kMore;
  }
  if (c == '"') quoted_ = true;
  if (c == '{' || c == '[') ++depth_;
  if (c == '}' || c == ']') --depth_;
  if (depth_ > 0) return Result::kMore;
  state_ = State::kAfter;
  return started_ || take_nested() ? Result::kMore : Result::kNot;
}

bool CallScanner::take_nested() {
  if (!is_object(text_)) return false;
  arguments_ = std::move(text_);
  return true;
}

void CallScanner::start_if_known() { started_ = started_ || (!name_.empty() && has_arguments_); }

CallScanner::Result CallScanner::after_value(char c) {
  if (is_space(c)) return Result::kMore;
  if (c == ',') {
    state_ = State::kNextKey;
    return Result::kMore;
  }
  return c == '}' && started_ ? Result::kDone : Result::kNot;
}

}  // namespace caravan::serve::openai
