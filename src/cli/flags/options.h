// Command lines: one table of options per command, parsed strictly, from which the help is printed too.
//
// `--snake_case` and `--kebab-case` are the same flag; `--flag value` and `--flag=value` are the same.
// Everything that is wrong with a command line throws Error: an unknown flag (with the nearest right one), a
// missing or surplus value, a number out of range, a flag given twice that may be given once. Thread safety:
// value types.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace caravan::cli {

struct Option {
  std::string_view name;   ///< "--top-k"
  std::string_view value;  ///< what its value is called in the help: "K"; empty for a switch
  std::string_view help;   ///< the rest of its line
  bool repeatable = false;
};

/// Another name for an option. A switch may stand for an option with a value: `--is-bf16` for `--dtype bf16`.
struct Alias {
  std::string_view name;
  std::string_view option;
  std::string_view implied_value;  ///< empty: the alias takes a value if the option does
};

/// A line of the help, or an option: `heading` groups the options that follow it.
struct OptionGroup {
  std::string_view heading;
  std::vector<Option> options;
};

struct Command {
  std::string_view name;
  std::string_view summary;
  std::string_view usage;  ///< after "caravan NAME "
  std::vector<OptionGroup> groups;
  std::vector<Alias> aliases;
  std::string_view positional;  ///< what one argument without a flag is called; empty where none may be
};

/// The help of one command.
std::string help_of(const Command& command);

class Arguments {
 public:
  /// Parses what follows the command's name.
  Arguments(const Command& command, const std::vector<std::string>& words);

  [[nodiscard]] bool has(std::string_view name) const { return values_.contains(std::string(name)); }
  /// A switch: false where absent.
  [[nodiscard]] bool is_on(std::string_view name) const;
  [[nodiscard]] std::optional<std::string> text(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> texts(std::string_view name) const;
  [[nodiscard]] std::optional<int64_t> integer(std::string_view name, int64_t low, int64_t high) const;
  [[nodiscard]] std::optional<double> number(std::string_view name, double low, double high) const;
  /// One of `choices`, or nothing where absent.
  [[nodiscard]] std::optional<std::string> choice(std::string_view name,
                                                  const std::vector<std::string>& choices) const;
  /// The values of a flag that takes a list, "1,4,16", or `otherwise` where it is absent.
  [[nodiscard]] std::vector<std::string> list(std::string_view name, const std::string& otherwise) const;
  /// These arguments with one value for `name`, so that one of a list can be read as if it had been given.
  [[nodiscard]] Arguments with(std::string_view name, const std::string& value) const;
  /// These arguments as if `name` had not been given.
  [[nodiscard]] Arguments without(std::string_view name) const;
  [[nodiscard]] const std::optional<std::string>& positional() const { return positional_; }

 private:
  void add(const Option& option, const std::string& given, const std::string& value);

  std::map<std::string, std::vector<std::string>> values_;
  std::optional<std::string> positional_;
};

/// `word` or `words` that is closest to `wrong` in edit distance, if it is close enough to be meant.
std::optional<std::string> nearest(const std::string& wrong, const std::vector<std::string>& words);

}  // namespace caravan::cli
