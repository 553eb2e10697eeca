// JSON schemas: what they allow, what they do not, and what is refused by name.
#include <gmock/gmock.h>

#include "text_grammar/guides.h"
#include "text_grammar/schema_check.h"

namespace caravan {
namespace {

using test::json_schema;
using testing::HasSubstr;

struct Case {
  std::string schema;
  std::vector<std::string> fits;
  std::vector<std::string> not_fits;
};

void check(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    const auto guide = compile_guide(json_schema(one.schema), test::byte_trie());
    for (const std::string& text : one.fits) {
      GrammarMatcher matcher(guide, {});
      EXPECT_TRUE(matcher.accept(text) && matcher.may_end()) << one.schema << " and " << text;
    }
    for (const std::string& text : one.not_fits) {
      GrammarMatcher matcher(guide, {});
      EXPECT_FALSE(matcher.accept(text) && matcher.may_end()) << one.schema << " and " << text;
    }
  }
}

TEST(JsonObject, IsAnyObject) {
  for (const char* text : {"{}", R"({"a": [1, -2.5e+3, true, null, {"b": "\u00e9\n\ud83d\ude00 é你"}]})",
                           "{\n  \"a\": 1,\n  \"b\": []\n}", R"({"":{},"x":[[]]})"}) {
    EXPECT_TRUE(test::fits({}, text)) << text;
  }
  for (const char* text :
       {"", "[]", "1", "{", R"({"a"})", R"({"a":1,})", R"({a:1})", "{} ", " {}", R"({"a":01})", R"({"a":.5})",
        R"({"a":1.})", R"({"a":+1})", R"({"a":"\x"})", R"({"a":"\ud83d"})", R"({"a":"\ude00"})",
        "{\"a\":\"\n\"}", R"({"a":tru})", "{\"a\":\"\xFF\"}"}) {
    EXPECT_FALSE(test::fits({}, text)) << text;
  }
}

TEST(JsonObject, WhiteSpaceComesToAnEnd) {
  EXPECT_TRUE(test::begins({}, "{\n" + std::string(20, ' ')));
  EXPECT_FALSE(test::begins({}, "{\n" + std::string(21, ' ')));
  EXPECT_FALSE(test::begins({}, "{  "));
  EXPECT_FALSE(test::begins({}, R"({"a":  )"));
  EXPECT_FALSE(test::begins({}, R"({"a" )"));
}

TEST(JsonSchema, ReadsTypes) {
  check({{R"({"type": "object"})", {"{}", R"({"a":1})"}, {"[]", "null"}},
         {R"({"type": "array"})", {"[]", R"([1,"a",{}])"}, {"{}"}},
         {R"({"type": "string"})", {R"("")", R"("aé")"}, {"a", "1"}},
         {R"({"type": "number"})", {"0", "-1.5e3", "1E-2", "-0"}, {"01", "1.", "1e", "1e100"}},
         {R"({"type": "integer"})", {"0", "-12", "9999999999999999"}, {"1.0", "-0", "1e2", "00"}},
         {R"({"type": "boolean"})", {"true", "false"}, {"True", "null"}},
         {R"({"type": "null"})", {"null"}, {"0", ""}},
         {R"({"type": ["integer", "null"]})", {"1", "null"}, {"1.5", "\"\""}},
         {R"({"type": "string", "nullable": true})", {"\"\"", "null"}, {"1"}},
         {"{}", {"1", "null", "{}", "[]"}, {"", "x"}},
         {"true", {"1", "null"}, {}},
         {R"({"title": "t", "description": "d", "default": 1, "x-any": {}, "$schema": "s", "type": "null"})",
          {"null"},
          {"1"}}});
}

TEST(JsonSchema, ReadsObjects) {
  const std::string two = R"("properties": {"a": {"type": "integer"}, "b": {"type": "boolean"}})";
  check({{"{\"type\": \"object\", " + two + "}",
          {"{}", R"({"a":1})", R"({"b":true})", R"({"a":1,"b":false})", "{ \"a\": 1,\n\t\"b\": true }"},
          {R"({"b":true,"a":1})", R"({"a":true})", R"({"c":1})", R"({,"a":1})", R"({"a":1,})"}},
         {"{" + two + R"(, "required": ["a"]})",
          {R"({"a":1})", R"({"a":1,"b":true})"},
          {"{}", R"({"b":true})"}},
         {"{" + two + R"(, "required": ["b"]})",
          {R"({"b":true})", R"({"a":1,"b":true})"},
          {"{}", R"({"a":1})"}},
         {"{" + two + R"(, "additionalProperties": {"type": "null"}})",
          {"{}", R"({"a":1,"c":null,"d":null})", R"({"ab":null})", R"({"":null})", R"({"c\n":null})"},
          {R"({"c":1})", R"({"a":null})", R"({"\u0061":null})", R"({"b":null})"}},
         {"{" + two + R"(, "additionalProperties": false, "required": ["a", "b"]})",
          {R"({"a":1,"b":true})"},
          {R"({"a":1})", R"({"a":1,"b":true,"c":1})"}},
         {R"({"type": "object", "additionalProperties": {"type": "integer"}})",
          {"{}", R"({"a":1,"b":2})"},
          {R"({"a":""})"}},
         {R"({"type": "object", "additionalProperties": false})", {"{}", "{ }"}, {R"({"a":1})"}},
         {R"({"required": ["a"], "type": "object"})",
          {R"({"a":null})", R"({"a":null,"b":1})"},
          {"{}", R"({"b":1})"}},
         {R"({"properties": {"q\"\\é": {"type": "null"}, "never": false}})",
          {R"({"q\"\\é":null})", "{}"},
          {R"({"never":1})"}},
         {R"({"properties": {"a b": {}}, "additionalProperties": true})",
          {R"({"a b":1,"a c":[]})"},
          {R"({"a b":1,"a b":2})"}}});
}

TEST(JsonSchema, ReadsArrays) {
  check({{R"({"type": "array", "items": {"type": "integer"}})",
          {"[]", "[1]", "[1, 2,3]", "[ 1 ]"},
          {"[\"\"]", "[1,]", "[,1]"}},
         {R"({"items": {"type": "integer"}, "minItems": 2})", {"[1,2]", "[1,2,3,4]"}, {"[]", "[1]"}},
         {R"({"items": {"type": "integer"}, "maxItems": 2})", {"[]", "[1]", "[1,2]"}, {"[1,2,3]"}},
         {R"({"items": {"type": "integer"}, "minItems": 1, "maxItems": 3})",
          {"[1]", "[1,2,3]"},
          {"[]", "[1,2,3,4]"}},
         {R"({"items": {}, "maxItems": 0})", {"[]", "[ ]"}, {"[1]"}},
         {R"({"prefixItems": [{"type": "integer"}, {"type": "string"}]})",
          {"[]", "[1]", "[1,\"\"]"},
          {"[\"\"]", "[1,\"\",2]"}},
         {R"({"prefixItems": [{"type": "integer"}], "items": {"type": "null"}, "minItems": 1})",
          {"[1]", "[1,null,null]"},
          {"[]", "[null]", "[1,2]"}},
         {R"({"prefixItems": [{"type": "integer"}, {"type": "null"}], "items": false, "minItems": 2})",
          {"[1,null]"},
          {"[1]", "[1,null,1]"}},
         {R"({"prefixItems": [{"type": "integer"}], "minItems": 2, "maxItems": 3})",
          {"[1,null]", "[1,2,3]"},
          {"[1]", "[1,2,3,4]"}}});
}

TEST(JsonSchema, ReadsStrings) {
  check(
      {{R"({"type": "string", "minLength": 2})",
        {R"("ab")", R"("éé")", R"("\n\u00e9x")"},
        {R"("a")", R"("")"}},
       {R"({"type": "string", "maxLength": 2})", {R"("")", R"("你好")", R"("\ud83d\ude00😀")"}, {R"("abc")"}},
       {R"({"minLength": 1, "maxLength": 1})", {R"("a")"}, {R"("")", R"("ab")"}},
       {R"({"type": "string", "pattern": "^a+$"})", {R"("a")", R"("aaa")"}, {R"("")", R"("ab")"}},
       {R"({"type": "string", "pattern": "a|^b"})", {R"("a")", R"("xay")", R"("bx")"}, {R"("xb")", R"("")"}},
       {R"({"type": "string", "pattern": "^[\"\\\\\n]$"})",
        {R"("\"")", R"("\\")", R"("\n")"},
        {R"("n")", "\"\n\"", R"(""")"}},
       {R"({"type": "string", "pattern": "^\\x01/$"})", {"\"\\u0001/\""}, {"\"\x01/\""}}});
}

TEST(JsonSchema, ReadsFormats) {
  const auto format = [](const std::string& name) {
    return R"({"type": "string", "format": ")" + name + "\"}";
  };
  check({{format("date"),
          {R"("2024-02-29")", R"("1999-12-31")", R"("2000-02-29")"},
          {R"("2023-02-29")", R"("1900-02-29")", R"("2024-13-01")", R"("2024-04-31")", R"("24-04-30")"}},
         {format("time"), {R"("23:59:59Z")", R"("00:00:00.5+02:00")"}, {R"("24:00:00Z")", R"("12:00:00")"}},
         {format("date-time"), {R"("2024-02-29T01:02:03Z")"}, {R"("2024-02-29 01:02:03Z")"}},
         {format("duration"),
          {R"("P1Y2M3DT4H5M6S")", R"("PT1S")", R"("P4W")"},
          {R"("P")", R"("PT")", R"("P1S")"}},
         {format("uuid"),
          {R"("123e4567-E89b-12d3-a456-426614174000")"},
          {R"("123e4567e89b12d3a456426614174000")"}},
         {format("email"), {R"("a.b+c@example.org")"}, {R"("a@")", R"("a.@b.c")", R"("@b.c")"}},
         {format("hostname"), {R"("a-b.example.org")"}, {R"("-a.org")", R"("a..b")"}},
         {format("ipv4"), {R"("127.0.0.255")"}, {R"("127.0.0.256")", R"("1.2.3")", R"("01.2.3.4")"}},
         {format("ipv6"), {R"("2001:db8:0:0:0:0:0:1")", R"("::1")", R"("::")"}, {R"(":1")", R"("1:2")"}},
         {format("uri"),
          {R"("https://example.org:80/a%20b?c=d#e")"},
          {R"("example.org")", R"("http://a b")"}}});
}

TEST(JsonSchema, ReadsBoundsOfIntegersExactly) {
  for (const auto& [low, high] : std::vector<std::pair<int, int>>{
           {0, 9}, {1, 120}, {-5, 5}, {-130, -7}, {17, 17}, {99, 1001}, {-1, 0}, {0, 0}, {95, 105}}) {
    const std::string bounds =
        R"("minimum": )" + std::to_string(low) + R"(, "maximum": )" + std::to_string(high);
    const auto guide =
        compile_guide(json_schema(R"({"type": "integer", )" + bounds + "}"), test::byte_trie());
    for (int i = -1200; i <= 1200; ++i) {
      GrammarMatcher matcher(guide, {});
      EXPECT_EQ(matcher.accept(std::to_string(i)) && matcher.may_end(), i >= low && i <= high) << i << bounds;
    }
  }
  check({{R"({"type": "integer", "minimum": 5})", {"5", "9999999999999999"}, {"4", "-9", "05"}},
         {R"({"type": "integer", "exclusiveMinimum": 5, "exclusiveMaximum": 7})", {"6"}, {"5", "7"}},
         {R"({"type": "integer", "minimum": 1.5, "maximum": 3.5})", {"2", "3"}, {"1", "4"}},
         {R"({"type": "integer", "exclusiveMinimum": 1.5, "maximum": 3})", {"2"}, {"1"}},
         {R"({"type": "integer", "minimum": -9223372036854775808, "maximum": 18446744073709551615})",
          {"0", "-1"},
          {"-0"}}});
}

TEST(JsonSchema, ReadsWholeBoundsOfNumbers) {
  check({{R"({"type": "number", "minimum": 0})", {"0", "0.0", "0.5", "12.25"}, {"-1", "-0.5", "1e5", "00"}},
         {R"({"type": "number", "exclusiveMinimum": 0})", {"0.001", "1"}, {"0", "0.0", "0.000"}},
         {R"({"minimum": -1, "maximum": 1})",
          {"-1", "-1.0", "-0.999", "0.5", "1", "1.00"},
          {"1.01", "-1.5", "2"}},
         {R"({"type": "number", "exclusiveMinimum": 1, "exclusiveMaximum": 3})",
          {"1.5", "2", "2.99"},
          {"1", "1.0", "3"}},
         {R"({"type": "number", "minimum": 2, "maximum": 2})", {"2", "2.0"}, {"2.1", "1.9"}},
         {R"({"type": "number", "maximum": -5})", {"-5", "-5.5", "-100"}, {"-4.9", "0", "5"}},
         {R"({"type": "number", "minimum": -10, "exclusiveMaximum": -8})",
          {"-10", "-9", "-8.1"},
          {"-8", "-8.0", "-10.1"}}});
}

TEST(JsonSchema, ReadsListsOfValues) {
  check({{R"({"enum": ["red", "green", 1, null, {"a": [1]}]})",
          {"\"red\"", "1", "null", R"({"a":[1]})"},
          {"\"blue\"", "2"}},
         {R"({"const": "a\"b"})", {R"("a\"b")"}, {"\"a\""}},
         {R"({"type": "string", "enum": ["a", 1]})", {"\"a\""}, {"1"}},
         {R"({"const": 1, "enum": [1, 2]})", {"1"}, {"2"}}});
}

TEST(JsonSchema, ReadsCombinations) {
  check(
      {{R"({"anyOf": [{"type": "integer"}, {"type": "string"}]})", {"1", "\"\""}, {"null"}},
       {R"({"oneOf": [{"const": 1}, {"const": 2}]})", {"1", "2"}, {"3"}},
       {R"({"properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "additionalProperties": false,
              "anyOf": [{"required": ["a"]}, {"required": ["b"]}]})",
        {R"({"a":1})", R"({"b":1})", R"({"a":1,"b":2})"},
        {"{}"}},
       {R"({"allOf": [{"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
                        {"properties": {"b": {"type": "string"}, "a": {"minimum": 3}}, "required": ["b"]}]})",
        {R"({"a":3,"b":""})"},
        {R"({"a":2,"b":""})", R"({"a":3})"}},
       {R"({"allOf": [{"type": ["integer", "string"]}, {"type": "number"}, {"minimum": 2}, {"maximum": 4}, {"minimum": 3}]})",
        {"3", "4"},
        {"2", "5", "\"\""}},
       {R"({"allOf": [true, {"$ref": "#/$defs/a"}], "description": "d", "$defs": {"a": {"const": 1}}})",
        {"1"},
        {"2"}}});
}

TEST(JsonSchema, FollowsReferences) {
  check(
      {{R"({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b/items"}, "b": {"items": {"type": "null"}}}})",
        {"null"},
        {"1"}},
       {R"({"definitions": {"a/b~c": {"type": "null"}}, "$ref": "#/definitions/a~1b~0c"})", {"null"}, {"1"}},
       {R"({"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}, "required": ["next"]})",
        {R"({"next":null})", R"({"next":{"next":{"next":null}}})"},
        {R"({"next":{}})"}},
       {R"({"$defs": {"tree": {"properties": {"v": {"type": "integer"}, "kids": {"items": {"$ref": "#/$defs/tree"}}}}}, "$ref": "#/$defs/tree"})",
        {R"({"v":1,"kids":[{"kids":[]},{"v":2}]})"},
        {R"({"kids":[1]})"}},
       {R"({"$defs": {"a": {"type": "object", "properties": {"x": {"type": "null"}}}}, "$ref": "#/$defs/a", "required": ["x"]})",
        {R"({"x":null})"},
        {"{}"}},
       {R"({"anyOf": [{"$ref": "#"}, {"type": "null"}]})", {"null"}, {"1"}}});
}

TEST(JsonSchema, RefusesByNameWhatIsNotSupported) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"[]", "found an array of 0, expected a schema"},
      {"{", "not valid JSON"},
      {"false", "fits no finite text"},
      {R"({"type": "text"})", "type is the string \"text\", expected object, array"},
      {R"({"not": {}})", "at \"#\": the keyword \"not\" is not supported"},
      {R"({"if": {}, "then": {}})", "the keyword \"if\""},
      {R"({"patternProperties": {}})", "the keyword \"patternProperties\""},
      {R"({"propertyNames": {}})", "the keyword \"propertyNames\""},
      {R"({"minProperties": 1})", "the keyword \"minProperties\""},
      {R"({"maxProperties": 1})", "the keyword \"maxProperties\""},
      {R"({"dependentRequired": {}})", "the keyword \"dependentRequired\""},
      {R"({"contains": {}})", "the keyword \"contains\""},
      {R"({"type": "array", "uniqueItems": true})", "the keyword \"uniqueItems\""},
      {R"({"type": "integer", "multipleOf": 2})", "the keyword \"multipleOf\""},
      {R"({"properties": {"a": {"items": {"whatever": 1}}}})",
       "at \"#/properties/a/items\": the keyword \"whatever\""},
      {R"({"format": "iri"})", "the format \"iri\" is not supported, expected one of date, time"},
      {R"x({"pattern": "(?=a)"})x", "at \"#\": pattern: at byte 2: look-ahead"},
      {R"({"pattern": "a", "maxLength": 3})", "only one is supported at a time"},
      {R"({"pattern": 1})", "pattern is the number 1, expected a string"},
      {R"({"type": "number", "minimum": 0.5})",
       "minimum of a number is the number 0.5, expected a whole number"},
      {R"({"type": "number", "maximum": 1e15})", "expected a whole number of at most 12 digits"},
      {R"({"minimum": "1"})", "expected a number"},
      {R"({"exclusiveMinimum": true, "minimum": 1})", "exclusiveMinimum is true, expected a number"},
      {R"({"type": "integer", "minimum": 5, "maximum": 4})", "fits no finite text"},
      {R"({"minItems": -1})", "expected an integer from 0 to 10000"},
      {R"({"maxLength": 1000000})", "expected an integer from 0 to 10000"},
      {R"({"minItems": 3, "maxItems": 2})", "no array has"},
      {R"({"items": [{}]})", "expected prefixItems"},
      {R"({"prefixItems": {}})", "prefixItems is an object, expected an array"},
      {R"({"properties": []})", "properties is an array of 0, expected an object"},
      {R"({"required": "a"})", "required is the string \"a\", expected an array"},
      {R"({"required": [1]})", "required has the number 1, expected strings"},
      {R"({"required": ["a"], "additionalProperties": false})", "fits no finite text"},
      {R"({"enum": []})", "enum is an array of 0"},
      {R"({"type": "string", "enum": [1]})", "no value of enum or const is of the type"},
      {R"({"enum": ["a"], "minLength": 2})", "beside type only"},
      {R"({"anyOf": []})", "anyOf is an array of 0"},
      {R"({"allOf": {}})", "allOf is an object"},
      {R"({"allOf": [{"pattern": "a"}, {"pattern": "b"}]})", "the keyword \"pattern\" stands in two schemas"},
      {R"({"allOf": [{"additionalProperties": false, "properties": {"a": {}}}, {"properties": {"b": {}}}]})",
       "the property \"b\" is listed in one schema and left to additionalProperties"},
      {R"({"nullable": 1})", "nullable is the number 1"},
      {R"({"$ref": 1})", "$ref is the number 1"},
      {R"({"$ref": "http://example.org/s"})", "expected # or #/"},
      {R"({"$ref": "#/$defs/a"})", "which is nowhere in the schema"},
      {R"({"$ref": "#"})", "fits no finite text"},
      {R"({"$defs": {"a": {"$ref": "#/$defs/a", "type": "string"}}, "$ref": "#/$defs/a", "minLength": 1})",
       "leads back to itself"},
      {R"({"properties": {"a": {"$ref": "#"}}, "required": ["a"]})", "fits no finite text"},
      {R"({"$defs": {"a": {"type": "object", "properties": {"x": {"allOf": [{"$ref": "#/$defs/a"}, {"required": ["x"]}]}}}}, "$ref": "#/$defs/a"})",
       "nested without end"},
  };
  std::string many = "{\"properties\": {";
  for (int i = 0; i < 1001; ++i) many += (i == 0 ? "\"p" : ", \"p") + std::to_string(i) + "\": {}";
  EXPECT_THAT(test::refusal(json_schema(many + "}}")),
              HasSubstr("has 1001 properties, expected at most 1000"));
  for (const auto& [schema, message] : cases) {
    EXPECT_THAT(test::refusal(json_schema(schema)), HasSubstr(message)) << schema;
    EXPECT_THAT(test::refusal(json_schema(schema)), testing::StartsWith("the JSON schema")) << schema;
  }
}

TEST(JsonSchema, WhateverIsGeneratedFits) {
  const std::vector<std::string> schemas = {
      "{}",
      R"({"type": "object", "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 12},
          "age": {"type": "integer", "minimum": 0, "maximum": 120}, "mail": {"type": ["string", "null"]},
          "score": {"type": "number", "exclusiveMinimum": -3, "maximum": 10}}, "required": ["name", "age"],
          "additionalProperties": {"type": "boolean"}})",
      R"({"$defs": {"node": {"type": "object", "properties": {"op": {"enum": ["+", "-"]}, "left": {"$ref": "#/$defs/value"},
          "right": {"$ref": "#/$defs/value"}}, "required": ["op", "left"], "additionalProperties": false},
          "value": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "number"}]}}, "$ref": "#/$defs/node"})",
      R"({"type": "array", "prefixItems": [{"const": "x"}], "items": {"pattern": "^[a-c]{2}[^a]|\\d$"}, "minItems": 2, "maxItems": 5})",
      R"({"allOf": [{"type": "object", "properties": {"a": {"type": "integer"}}}, {"required": ["a"],
          "properties": {"a": {"maximum": 3}, "b": {"oneOf": [{"type": "null"}, {"type": "string", "nullable": true}]}}}]})"};
  std::mt19937 random(5);
  const auto trie = test::demo_trie();
  for (const std::string& text : schemas) {
    const Json schema = parse_json(text, "a test");
    const auto guide = compile_guide(json_schema(text), trie);
    for (int i = 0; i < 40; ++i) {
      const std::string made = test::random_text(guide, random, i);
      // Not parse_json, which refuses names that repeat.
      const Json value = Json::parse(made, nullptr, false);
      ASSERT_FALSE(value.is_discarded()) << made;
      EXPECT_EQ(test::against(schema, value, schema), "") << made;
    }
  }
}

}  // namespace
}  // namespace caravan
