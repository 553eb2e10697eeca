#include "text/pre_tokenizer.h"

#include "base/error.h"
#include "text/byte_level.h"
#include "text/growth.h"
#include "text/metaspace.h"
#include "text/normalizer.h"
#include "text/regex.h"

namespace caravan {

namespace {

/// How GPT-2 cut text, which ByteLevel does by itself unless another step has cut before.
constexpr const char* kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

/// A part of a text, and whether it is a match of the delimiter.
struct Piece {
  TextSpan span;
  bool match = false;
};

/// All of `text` as matches and what lies between them; `invert` swaps the two.
std::vector<Piece> pieces_of(const std::string& text, const FindAll& find, bool invert) {
  std::vector<Piece> pieces;
  size_t at = 0;
  for (const TextSpan& match : find(text)) {
    if (match.begin > at) pieces.push_back({{at, match.begin}, invert});
    pieces.push_back({match, !invert});
    at = match.end;
  }
  if (at < text.size()) pieces.push_back({{at, text.size()}, invert});
  return pieces;
}

enum class Behavior : uint8_t { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

/// The spans that remain when the matches among `pieces` are treated as `behavior` says.
std::vector<TextSpan> spans_of(const std::vector<Piece>& pieces, Behavior behavior) {
  std::vector<TextSpan> spans;
  bool last_was_match = false;
  for (const Piece& piece : pieces) {
    bool join = false;
    switch (behavior) {
      case Behavior::kRemoved:
        if (piece.match) continue;
        break;
      case Behavior::kIsolated:
        break;
      case Behavior::kMergedWithPrevious:
        join = piece.match && !last_was_match;
        break;
      case Behavior::kMergedWithNext:
        join = !piece.match && last_was_match;
        break;
      case Behavior::kContiguous:
        join = piece.match == last_was_match;
        break;
    }
    if (join && !spans.empty()) {
      spans.back().end = piece.span.end;
    } else {
      spans.push_back(piece.span);
    }
    last_was_match = piece.match;
  }
  return spans;
}

Cut splitter(const FindAll& find, Behavior behavior, bool invert) {
  return [find, behavior, invert](const Word& word) {
    std::vector<Word> words;
    for (const TextSpan& span : spans_of(pieces_of(word.text, find, invert), behavior)) {
      words.push_back(
          {word.text.substr(span.begin, span.end - span.begin), word.at_start && span.begin == 0});
    }
    return words;
  };
}

Behavior parse_behavior(const JsonObject& object) {
  const std::string name = object.string("behavior");
  if (name == "Removed") return Behavior::kRemoved;
  if (name == "Isolated") return Behavior::kIsolated;
  if (name == "MergedWithPrevious") return Behavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return Behavior::kMergedWithNext;
  if (name == "Contiguous") return Behavior::kContiguous;
  object.wrong("behavior", "Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous");
}

FindAll regex_finder(const std::string& pattern, const std::string& source) {
  const Regex regex(pattern, source);
  return [regex](const std::string& text) { return regex.find_all(text); };
}

std::vector<Cut> byte_level_steps(const JsonObject& object, const std::string& source) {
  std::vector<Cut> steps;
  if (object.boolean_or("add_prefix_space", true)) {
    steps.emplace_back([](const Word& word) {
      const bool has_space = word.text.empty() || word.text.front() == ' ';
      return std::vector<Word>{{has_space ? word.text : " " + word.text, word.at_start}};
    });
  }
  if (object.boolean_or("use_regex", true)) {
    steps.push_back(splitter(regex_finder(kGpt2Pattern, source), Behavior::kIsolated, false));
  }
  steps.emplace_back([](const Word& word) {
    return std::vector<Word>{{to_byte_level(word.text), word.at_start}};
  });
  return steps;
}

std::vector<Cut> metaspace_steps(const JsonObject& object) {
  const MetaspaceRules rules = parse_metaspace(object);
  std::vector<Cut> steps;
  steps.emplace_back([rules](const Word& word) {
    return std::vector<Word>{{with_metaspaces(rules, word.text, word.at_start), word.at_start}};
  });
  if (rules.split) {
    const std::string mark = rules.replacement;
    const FindAll find = [mark](const std::string& text) {
      std::vector<TextSpan> matches;
      for (size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + mark.size())) {
        matches.push_back({at, at + mark.size()});
      }
      return matches;
    };
    steps.push_back(splitter(find, Behavior::kMergedWithNext, false));
  }
  return steps;
}

}  // namespace

std::vector<Cut> parse_pre_tokenizers(const Json& json, const std::string& source) {
  const JsonObject object(json, source, "pre_tokenizer");
  const std::string type = object.string("type");
  if (type == "Sequence") {
    std::vector<Cut> steps;
    const Json* parts = object.array("pretokenizers");
    if (parts == nullptr) object.wrong("pretokenizers", "a list of pre-tokenizers");
    for (const Json& part : *parts) {
      for (Cut& step : parse_pre_tokenizers(part, source)) steps.push_back(std::move(step));
      if (steps.size() > kMaxSteps) fail(source, ": has more than ", kMaxSteps, " pre-tokenizer steps");
    }
    return steps;
  }
  if (type == "Split") {
    return {
        splitter(parse_pattern(object, source), parse_behavior(object), object.boolean_or("invert", false))};
  }
  if (type == "ByteLevel") return byte_level_steps(object, source);
  if (type == "Metaspace") return metaspace_steps(object);
  if (type == "Digits") {
    const bool individual = object.boolean_or("individual_digits", false);
    return {splitter(regex_finder("\\p{N}", source), individual ? Behavior::kIsolated : Behavior::kContiguous,
                     false)};
  }
  fail(source, ": the pre-tokenizer ", in_quotes(type),
       " is not supported, expected Sequence, Split, ByteLevel, Metaspace or Digits");
}

std::vector<Word> cut(const std::vector<Cut>& steps, Word text) {
  const size_t before = text.text.size();
  std::vector<Word> words;
  words.push_back(std::move(text));
  for (const Cut& step : steps) {
    std::vector<Word> next;
    size_t after = 0;
    for (const Word& word : words) {
      for (Word& part : step(word)) {
        after += part.text.size();
        next.push_back(std::move(part));
      }
      check_growth("pre-tokenizers", before, after);
    }
    words = std::move(next);
  }
  return words;
}

}  // namespace caravan
