#include "checkpoint/quantized/module_pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>

#include "base/error.h"

namespace caravan {

struct ModulePattern::Expression {
  explicit Expression(pcre2_code* compiled) : code(compiled) {}
  ~Expression() { pcre2_code_free(code); }
  Expression(const Expression&) = delete;
  Expression& operator=(const Expression&) = delete;

  pcre2_code* code;
};

namespace {

constexpr std::string_view kPrefix = "re:";
/// Longer than any that names the modules of a model.
constexpr size_t kMaxExpression = 10'000;
/// Matching a name takes tens of steps; what takes so many would hold up loading.
constexpr uint32_t kMaxSteps = 100'000;

std::string pcre2_message(int code) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(code, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

pcre2_code* compile(std::string_view expression, const std::string& where) {
  if (expression.size() > kMaxExpression) {
    fail(where, " holds a regular expression of ", expression.size(), " bytes, expected at most ",
         kMaxExpression);
  }
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression.data()), expression.size(),
                                   PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, &error, &offset, nullptr);
  if (code == nullptr) {
    fail(where, " holds the regular expression ", in_quotes(std::string(expression)),
         ", which cannot be used: ", pcre2_message(error));
  }
  return code;
}

}  // namespace

ModulePattern::ModulePattern(const std::string& text, const std::string& where) : text_(text), where_(where) {
  if (text == "Linear") kind_ = Kind::kLinear;
  if (!text.starts_with(kPrefix)) return;
  kind_ = Kind::kExpression;
  expression_ =
      std::make_shared<const Expression>(compile(std::string_view(text).substr(kPrefix.size()), where));
}

bool ModulePattern::matches(std::string_view module) const {
  // The table of a vocabulary is the one matrix of the family that is no Linear.
  if (kind_ == Kind::kLinear) return !module.ends_with("embed_tokens");
  if (kind_ == Kind::kName) return module == text_;
  const std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)> match(
      pcre2_match_data_create_from_pattern(expression_->code, nullptr), pcre2_match_data_free);
  const std::unique_ptr<pcre2_match_context, decltype(&pcre2_match_context_free)> limits(
      pcre2_match_context_create(nullptr), pcre2_match_context_free);
  pcre2_set_match_limit(limits.get(), kMaxSteps);
  const int count = pcre2_match(expression_->code, reinterpret_cast<PCRE2_SPTR>(module.data()), module.size(),
                                0, PCRE2_ANCHORED, match.get(), limits.get());
  if (count >= 0) return true;
  if (count == PCRE2_ERROR_NOMATCH) return false;
  fail(where_, " holds the regular expression ", in_quotes(text_), ", which fails on the name ",
       in_quotes(std::string(module)), ": ", pcre2_message(count));
}

}  // namespace caravan
