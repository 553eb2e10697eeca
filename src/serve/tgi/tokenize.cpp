#include "serve/tgi/tokenize.h"

#include <optional>

namespace caravan::serve {

namespace {

/// Bytes [start, stop) of the text.
struct Place {
  size_t start = 0;
  size_t stop = 0;
};

/// Where each token stands, or nothing where one is not found at the end of the one before.
std::optional<std::vector<Place>> places_of(const Tokenizer& tokenizer, const std::string& text,
                                            const std::vector<int32_t>& ids) {
  std::vector<Place> places;
  places.reserve(ids.size());
  size_t at = 0;
  bool first = true;
  for (const int32_t id : ids) {
    std::string bytes;
    if (tokenizer.is_special(id)) {
      bytes = tokenizer.token_text(id);
      if (text.compare(at, bytes.size(), bytes) != 0) {
        places.push_back({});
        continue;
      }
    } else {
      bytes = tokenizer.bytes_of(id).bytes;
      // The space that the tokenizer put before the text.
      if (first && tokenizer.strips_leading_space() && bytes.starts_with(' ')) bytes.erase(0, 1);
      if (text.compare(at, bytes.size(), bytes) != 0) return std::nullopt;
    }
    first = false;
    places.push_back({at, at + bytes.size()});
    at += bytes.size();
  }
  return places;
}

bool begins_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }

/// The number of characters that begin before each byte of the text, and before its end.
std::vector<size_t> characters_before(const std::string& text) {
  std::vector<size_t> counts(text.size() + 1, 0);
  for (size_t i = 0; i < text.size(); ++i) counts[i + 1] = counts[i] + (begins_character(text[i]) ? 1 : 0);
  return counts;
}

}  // namespace

Json tokens_in_text(const Tokenizer& tokenizer, const std::string& text, const std::vector<int32_t>& ids) {
  const auto places = places_of(tokenizer, text, ids);
  const std::vector<size_t> characters = characters_before(text);
  Json list = Json::array();
  for (size_t i = 0; i < ids.size(); ++i) {
    Place place = places ? (*places)[i] : Place{};
    if (place.stop > place.start) {
      // A token may hold a part of a character: its text is then the whole one.
      while (!begins_character(text[place.start])) --place.start;
      while (place.stop < text.size() && !begins_character(text[place.stop])) ++place.stop;
    }
    list.push_back({{"id", ids[i]},
                    {"text", text.substr(place.start, place.stop - place.start)},
                    {"start", characters[place.start]},
                    {"stop", characters[place.stop]}});
  }
  return list;
}

}  // namespace caravan::serve
