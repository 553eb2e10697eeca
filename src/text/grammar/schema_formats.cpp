#include "text/grammar/schema_formats.h"

#include <array>
#include <utility>

namespace caravan::grammar {

namespace {

const std::string kLeapYear =
    R"((?:[1-9][0-9](?:0[48]|[2468][048]|[13579][26])|(?:1[26]|[2468][048]|[3579][26])00))";
const std::string kDate = R"((?:[1-9][0-9]{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|)"
                          R"((?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|)" +
                          kLeapYear + "-02-29)";
const std::string kTime =
    R"((?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9]))";
const std::string kDurationTime = R"(T(?:[0-9]{1,6}H(?:[0-9]{1,6}M(?:[0-9]{1,6}S)?)?|)"
                                  R"([0-9]{1,6}M(?:[0-9]{1,6}S)?|[0-9]{1,6}S))";
const std::string kDurationDate =
    R"((?:[0-9]{1,6}Y(?:[0-9]{1,6}M(?:[0-9]{1,6}D)?)?|[0-9]{1,6}M(?:[0-9]{1,6}D)?|[0-9]{1,6}D))";
const std::string kByte = R"((?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9]))";
const std::string kIpv4 = "(?:" + kByte + R"(\.){3})" + kByte;
const std::string kLabel = R"([a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)";
/// At most three labels, which keeps the whole within the 253 characters of a name.
const std::string kHost = kLabel + R"((?:\.[a-zA-Z](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?){0,2})";
const std::string kLocal =
    R"([a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]{1,20}(?:\.[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]{1,20}){0,2})";
const std::string kPath = R"((?:/(?:[a-zA-Z0-9._~!$&'()*+,;=:@-]|%[0-9A-F]{2})*)*)";
const std::string kQuery = R"((?:[a-zA-Z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-F]{2})*)";

const std::array<std::pair<std::string, std::string>, 10>& formats() {
  static const std::array<std::pair<std::string, std::string>, 10> kFormats = {{
      {"date", kDate},
      {"time", kTime},
      {"date-time", kDate + "T" + kTime},
      {"duration", "P(?:" + kDurationDate + "(?:" + kDurationTime + ")?|" + kDurationTime + "|[0-9]{1,6}W)"},
      {"uuid", "[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"},
      {"email", kLocal + "@" + kLabel + R"((?:\.[a-zA-Z](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?){1,2})"},
      {"hostname", kHost},
      {"ipv4", kIpv4},
      {"ipv6", "(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}|::(?:[0-9a-fA-F]{1,4}:){0,5}[0-9a-fA-F]{1,4}|::"},
      {"uri", "https?://" + kHost + "(?::[1-9][0-9]{0,3})?" + kPath + R"((?:\?)" + kQuery + ")?(?:#" +
                  kQuery + ")?"},
  }};
  return kFormats;
}

}  // namespace

std::optional<std::string> format_expression(const std::string& format) {
  for (const auto& [name, expression] : formats()) {
    if (name == format) return expression;
  }
  return std::nullopt;
}

std::string format_names() {
  std::string out;
  for (const auto& [name, expression] : formats()) out += (out.empty() ? "" : ", ") + name;
  return out;
}

}  // namespace caravan::grammar
