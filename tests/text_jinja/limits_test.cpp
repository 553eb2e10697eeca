// What keeps a template from running for ever, filling the memory or overflowing the stack, and its messages.
#include <gmock/gmock.h>

#include <thread>

#include "base/error.h"
#include "text/jinja/template.h"
#include "text_jinja/fixtures.h"

namespace caravan::jinja {
namespace {

std::string error_of(const std::string& source, const Limits& limits = {}) {
  try {
    (void)Template(source, "t").render(Json::object(), test::fixed_time(), limits);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

using testing::HasSubstr;
using testing::StartsWith;

TEST(Limits, StopsALoopThatTakesTooManySteps) {
  const std::string loops =
      "{% for a in range(9999) %}{% for b in range(9999) %}{% set c = 1 %}{% endfor %}{% endfor %}";
  EXPECT_THAT(error_of(loops), HasSubstr("more than 10000000 steps"));
}

TEST(Limits, RefusesALongRangeWithoutMakingIt) {
  EXPECT_EQ(error_of("\n{{ range(10**12) }}"), "t, line 2: a range of more than 100000 numbers");
  EXPECT_EQ(error_of("{{ range(-9223372036854775807, 9223372036854775807) }}"),
            "t, line 1: a range of more than 100000 numbers");
}

TEST(Limits, RefusesTextThatDoubles) {
  const std::string doubling =
      "{% set ns = namespace(s='xxxxxxxx') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor "
      "%}";
  EXPECT_THAT(error_of(doubling), HasSubstr("bytes of text"));
  EXPECT_THAT(error_of("{{ 'a' * 9223372036854775807 }}"), HasSubstr("bytes of text"));
  EXPECT_THAT(error_of("{{ 'a' | indent(9223372036854775807) }}"), HasSubstr("bytes of text"));
  EXPECT_THAT(error_of("{{ 'a'.center(9223372036854775807) }}"), HasSubstr("bytes of text"));
  EXPECT_THAT(error_of("{{ [1] | tojson(indent=9223372036854775807) }}"), HasSubstr("bytes of text"));
  EXPECT_THAT(error_of("{{ [0] * 9223372036854775807 }}"), HasSubstr("steps"));
  EXPECT_THAT(error_of("{{ [1] | batch(9223372036854775807, 0) | list }}"), HasSubstr("steps"));
}

TEST(Limits, RefusesTextOfAValueThatHoldsAnotherManyTimes) {
  std::string source = "{% set a = [1] %}";
  for (int i = 0; i < 60; ++i) source += "{% set a = [a, a] %}";
  EXPECT_THAT(error_of(source + "{{ a }}"), HasSubstr("more than"));
  EXPECT_THAT(error_of(source + "{{ a | tojson }}"), HasSubstr("more than"));
  EXPECT_THAT(error_of(source + "{% set b = [a, a] %}{{ b == [a, [a[0], a[1]]] }}"), HasSubstr("no error"));
}

TEST(Limits, RefusesOutputBeyondItsLimit) {
  Limits limits;
  limits.output = 10;
  EXPECT_EQ(error_of("{{ 'x' * 11 }}", limits), "t, line 1: the rendered text is longer than 10 bytes");
  EXPECT_EQ(error_of("{{ 'x' * 10 }}", limits), "no error");
}

TEST(Limits, RefusesDeepNestingInTheTemplate) {
  const int n = 100'000;
  for (const std::string& source :
       {"{{ " + repeated("(", n) + "1" + repeated(")", n) + " }}",
        "{{ " + repeated("[", n) + repeated("]", n) + " }}", "{{ " + repeated("not ", n) + "1 }}",
        "{{ " + repeated("-", n) + "1 }}", "{{ 1" + repeated(" + 1", n) + " }}",
        "{{ a" + repeated(".a", n) + " }}", "{{ a" + repeated("|d", n) + " }}",
        "{{ 1" + repeated(" if 1 else 1", n / 2) + " }}", repeated("{% if 1 %}", n / 2),
        "{% for " + repeated("(", n) + "a" + repeated(")", n) + " in [] %}{% endfor %}",
        "{{ 1" + repeated(" ** 1", n) + " }}"})
    EXPECT_THAT(error_of(source), HasSubstr("levels deep")) << source.substr(0, 30);
}

TEST(Limits, RefusesEndlessRecursionOfMacros) {
  EXPECT_THAT(error_of("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"), HasSubstr("levels deep"));
  EXPECT_THAT(
      error_of("{% macro m() %}{{ caller is defined }}{% call m() %}{% endcall %}{% endmacro %}{{ m() }}"),
      HasSubstr("levels deep"));
}

TEST(Limits, RefusesValuesThatNestWithoutEnd) {
  const std::string wrap =
      "{% set ns = namespace(x=[]) %}{% for i in range(9999) %}{% set ns.x = [ns.x] %}{% endfor %}";
  EXPECT_THAT(error_of(wrap), HasSubstr("levels deep"));
}

TEST(Limits, FreesWhatHoldsItself) {
  // The sanitizers' leak check makes this a test of memory; without them it shows that rendering ends.
  EXPECT_EQ(
      error_of("{% set ns = namespace() %}{% set ns.me = ns %}{% macro m() %}{% endmacro %}{% set ns.m = m %}"
               "{% for i in range(9999) %}{% set ns.last = namespace(before=ns.last) %}{% endfor %}"
               "{% for i in [1] %}{{ loop.changed(loop) }}{% set ns.loop = loop %}{% endfor %}"),
      "no error");
}

TEST(Limits, RefusesIntegersBeyond64Bits) {
  EXPECT_EQ(error_of("{{ 9223372036854775807 + 1 }}"),
            "t, line 1: the result of + is an integer beyond 64 bits");
  EXPECT_THAT(error_of("{{ 9223372036854775808 }}"), HasSubstr("no integer of 64 bits"));
  EXPECT_THAT(error_of("{{ 2 ** 63 }}"), HasSubstr("64 bits"));
  EXPECT_THAT(error_of("{{ (-9223372036854775807 - 1) // -1 }}"), HasSubstr("64 bits"));
  EXPECT_THAT(error_of("{{ -(-9223372036854775807 - 1) }}"), HasSubstr("64 bits"));
  EXPECT_EQ(error_of("{{ (-9223372036854775807 - 1) % -1 }}"), "no error");
  EXPECT_THAT(error_of("{{ 1e30 | int }}"), HasSubstr("64 bits"));
}

TEST(Messages, NameTheTemplateAndTheLine) {
  EXPECT_EQ(error_of("a\n\n{{ b.c }}"), "t, line 3: 'b' is undefined");
  EXPECT_EQ(error_of("{{\n1 +\n'a' }}"), "t, line 2: the operator + does not take a int and a str");
  EXPECT_EQ(error_of("a\n{% include 'x' %}"), "t, line 2: the tag {% include %} is not supported");
  EXPECT_EQ(error_of("{{ x | groupby('a') }}"), "t, line 1: the filter 'groupby' is not supported");
  EXPECT_EQ(error_of("{{ x is escaped }}"), "t, line 1: the test 'escaped' is not supported");
  EXPECT_EQ(error_of("{% if true %}\n"), "t, line 1: the block that begins here has no {% endif %}");
  EXPECT_EQ(error_of("\n{% for x in y recursive %}{% endfor %}"),
            "t, line 2: a recursive loop is not supported");
  EXPECT_EQ(error_of("{{ 'a'.encode() }}"), "t, line 1: the method encode of a str is not supported");
  EXPECT_EQ(error_of("{{ [].append(1) }}"),
            "t, line 1: a template may not change a list, as its method append would");
}

TEST(Messages, TellWhatIsNotSupportedEvenWhereItIsNotReached) {
  EXPECT_THAT(error_of("{% if false %}{{ 1 | pprint }}{% endif %}"), HasSubstr("'pprint' is not supported"));
}

TEST(Messages, RefuseToPrintWhatPythonPrintsAsAnAddress) {
  EXPECT_EQ(error_of("{{ {}.items }}"), "t, line 1: a function has no text form");
  EXPECT_THAT(error_of("{{ [1] | map('string') }}"), HasSubstr("| list has one"));
  EXPECT_THAT(error_of("{{ range(3) }}"), HasSubstr("| list has one"));
  EXPECT_THAT(error_of("{{ namespace() }}"), HasSubstr("has no text form"));
}

TEST(Template, RefusesBytesThatAreNotUtf8) {
  EXPECT_EQ(error_of("a\nb\xff"), "t, line 2: the template is not UTF-8 at byte 3");
  Json variables;
  variables["x"] = "\xff";
  EXPECT_THROW((void)Template("{{ x }}", "t").render(variables, test::fixed_time()), Error);
}

TEST(Template, RefusesATemplateLargerThanAny) {
  EXPECT_THAT(error_of(std::string((1U << 20U) + 1, 'a')), HasSubstr("more than the 1048576"));
}

TEST(Template, RendersOnManyThreadsAtOnce) {
  const Template shared("{% for m in messages %}{{ loop.index ~ m.content | upper }}{% endfor %}", "t");
  const Json variables = Json::parse(R"({"messages": [{"content": "a"}, {"content": "b"}]})");
  std::vector<std::string> results(4);
  std::vector<std::thread> threads;
  for (std::string& result : results)
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) result = shared.render(variables, test::fixed_time());
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(results, testing::Each("1A2B"));
}

TEST(Template, TakesTimeInProportionToALongConversation) {
  Json variables;
  variables["messages"] = Json::array();
  const std::string content(1024, 'x');
  for (int i = 0; i < 1000; ++i) variables["messages"].push_back({{"role", "user"}, {"content", content}});
  const Template chat(
      "{% for m in messages %}{{ '<' + m.role + '>' + m.content | trim + '\\n' }}{% endfor %}", "t");
  EXPECT_EQ(chat.render(variables, test::fixed_time()).size(), 1000U * (1024 + 7));
}

}  // namespace
}  // namespace caravan::jinja
