#include "checkpoint/gguf/container.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "support/errors.h"
#include "support/gguf_builder.h"

namespace caravan {
namespace {

using test::error_of;
using test::gguf_text;
using test::GgufBuilder;
using test::raw;

GgufHeader parse(const std::string& file) {
  return parse_gguf_header(std::as_bytes(std::span(file)), "m.gguf");
}

/// What parsing says of `file`, after "m.gguf: ".
std::string refusal(const std::string& file) {
  const std::string message = error_of([&] { parse(file); });
  return message.starts_with("m.gguf: ") ? message.substr(8) : message;
}

TEST(GgufHeader, GivesTensorsInTheOrderOfTheirBytesAndOutermostFirst) {
  for (const uint32_t version : {2U, 3U}) {
    GgufBuilder builder;
    builder.version = version;
    builder.info("b", {3, 2}, 1, 32).info("a", {}, 0, 0).data(std::string(44, 'x'));
    const std::string file = builder.bytes();
    const GgufHeader header = parse(file);
    EXPECT_EQ(header.version, version);
    ASSERT_EQ(header.tensors.size(), 2U);
    EXPECT_EQ(header.tensors[0].name, "a");
    EXPECT_EQ(header.tensors[0].shape, Shape());
    EXPECT_EQ(header.tensors[1].shape, (Shape{2, 3}));
    EXPECT_EQ(header.tensors[1].type, GgmlType::kF16);
    EXPECT_EQ(header.tensors[1].begin, 32U);
    EXPECT_EQ(header.tensors[1].end, 44U);
    EXPECT_EQ(header.data_start + 44, file.size());
    EXPECT_EQ(header.tensor("b"), &header.tensors[1]);
    EXPECT_EQ(header.tensor("c"), nullptr);
  }
}

TEST(GgufHeader, TakesPaddingAfterTheLastTensorOrNone) {
  for (const size_t size : {34U, 40U, 64U}) {
    GgufBuilder builder;
    builder.info("q", {32}, 8, 0).data(std::string(size, 'x'));
    EXPECT_EQ(parse(builder.bytes()).tensors[0].end, 34U) << size;
  }
  EXPECT_TRUE(parse(GgufBuilder().bytes()).tensors.empty());
}

TEST(GgufHeader, TakesTheAlignmentThatTheFileNames) {
  GgufBuilder builder;
  builder.alignment = 8;
  builder.number("general.alignment", 8).tensor("a", {1}, 0, "aaaa").tensor("b", {1}, 0, "bbbb");
  EXPECT_EQ(parse(builder.bytes()).tensors[1].begin, 8U);
}

TEST(GgufMetadata, HasEveryType) {
  GgufBuilder builder;
  builder.field("0", 0, raw(uint8_t{200}))
      .field("1", 1, raw(int8_t{-3}))
      .field("2", 2, raw(uint16_t{60000}))
      .field("3", 3, raw(int16_t{-300}))
      .field("4", 4, raw(uint32_t{4'000'000'000}))
      .field("5", 5, raw(int32_t{-5}))
      .field("6", 6, raw(0.1F))
      .field("7", 7, raw(uint8_t{1}))
      .text("8", "text")
      .numbers("9", {3, -4})
      .field("10", 10, raw(std::numeric_limits<uint64_t>::max()))
      .field("11", 11, raw(int64_t{-1} << 40U))
      .field("12", 12, raw(0.25))
      .texts("strings", {"a", "", "bc"})
      .reals("reals", {1.5F});
  const std::string file = builder.bytes();
  const GgufHeader header = parse(file);
  // The float is the decimal number that somebody wrote, not its binary neighbour 0.10000000149….
  EXPECT_EQ(gguf_fields(header), parse_json(R"({"0":200,"1":-3,"10":18446744073709551615,"11":-1099511627776,
      "12":0.25,"2":60000,"3":-300,"4":4000000000,"5":-5,"6":0.1,"7":true,"8":"text","9":[3,-4],"reals":[1.5]})",
                                            "expected"));
  EXPECT_THAT(gguf_strings(header, "strings", "m.gguf").value(), testing::ElementsAre("a", "", "bc"));
  EXPECT_THAT(gguf_integers(header, "9", "m.gguf").value(), testing::ElementsAre(3, -4));
  EXPECT_THAT(gguf_floats(header, "reals", "m.gguf").value(), testing::ElementsAre(1.5F));
  EXPECT_EQ(gguf_strings(header, "absent", "m.gguf"), std::nullopt);
}

TEST(GgufMetadata, RefusesArraysOfAnotherType) {
  const std::string file = GgufBuilder()
                               .texts("strings", {"a", "\xFF"})
                               .reals("reals", {1.0F, std::numeric_limits<float>::infinity()})
                               .number("number", 3)
                               .bytes();
  const GgufHeader header = parse(file);
  const auto strings = [&](const char* key) { return [&, key] { gguf_strings(header, key, "m.gguf"); }; };
  EXPECT_EQ(error_of(strings("reals")), "m.gguf: the field \"reals\" is not an array of strings");
  EXPECT_EQ(error_of(strings("number")), "m.gguf: the field \"number\" is not an array of strings");
  EXPECT_EQ(error_of(strings("strings")),
            "m.gguf: the field \"strings\" holds \"\\xff\" at 1, expected valid UTF-8");
  EXPECT_EQ(error_of([&] { gguf_floats(header, "reals", "m.gguf"); }),
            "m.gguf: the field \"reals\" holds inf at 1, expected finite numbers");
  EXPECT_EQ(error_of([&] { gguf_integers(header, "reals", "m.gguf"); }),
            "m.gguf: the field \"reals\" is not an array of 32-bit integers");
}

TEST(GgufHeader, RefusesWhatIsNoGgufFile) {
  EXPECT_EQ(refusal(""), "does not begin with GGUF, expected a GGUF file");
  EXPECT_EQ(refusal("ggml"), "does not begin with GGUF, expected a GGUF file");
  EXPECT_EQ(refusal("version https://git-lfs.github.com/spec/v1\n"),
            "is a Git LFS pointer, not the weights themselves; fetch them with git lfs pull");
  EXPECT_EQ(refusal("GGUF" + raw(uint32_t{1})), "is GGUF version 1, expected version 2 or 3");
  EXPECT_EQ(refusal("GGUF" + raw(uint32_t{3} << 24U)),
            "is a big-endian GGUF file, expected a little-endian one");
}

TEST(GgufHeader, RefusesEveryBeginningOfAFile) {
  GgufBuilder builder = test::tiny_llama();
  builder.texts("t", {"a", "bc"}).numbers("n", {1, 2}).tensor("w", {32, 2}, 8, std::string(68, 'x'));
  const std::string file = builder.bytes();
  ASSERT_EQ(refusal(file), "no Error");
  const size_t needed = parse(file).data_start + 68;
  for (size_t size = 0; size < needed; ++size) EXPECT_NE(refusal(file.substr(0, size)), "no Error") << size;
  EXPECT_EQ(refusal(file.substr(0, needed)), "no Error");
}

struct BadFile {
  std::string file;
  std::string message;
};

TEST(GgufHeader, RefusesEveryLieInItsMetadata) {
  const uint64_t huge = uint64_t{1} << 62U;
  const std::string long_key(65'536, 'k');
  const std::vector<BadFile> cases = {
      {GgufBuilder().bytes(0, huge),
       "says that it has 4611686018427387904 metadata fields, expected at most 6000"},
      {GgufBuilder().bytes(huge, 0), "says that it has 4611686018427387904 tensors, expected at most 100000"},
      {GgufBuilder().bytes(0, 1),
       "a metadata key takes 8 bytes from byte 24 on, but the file has only 24: it is "
       "truncated "
       "or its header lies"},
      {GgufBuilder().number("a", 1).number("a", 2).bytes(),
       "the field \"a\" is there twice, expected each key once"},
      {GgufBuilder().number("", 1).bytes(), "a metadata key is \"\", expected 1 to 65535 bytes of UTF-8"},
      {GgufBuilder().number("\xFF", 1).bytes(),
       "a metadata key is \"\\xff\", expected 1 to 65535 bytes of UTF-8"},
      {GgufBuilder().field("a", 13, "").bytes(),
       "the field \"a\" has the type 13, expected one from 0 to 12"},
      {GgufBuilder().text("a", "\xFF").bytes(), "the field \"a\" is \"\\xff\", expected valid UTF-8"},
      {GgufBuilder().field("a", 8, raw(huge)).bytes(),
       "the field \"a\" takes 4611686018427387904 bytes from byte 45 on, but the file has only 45: it is "
       "truncated or its header lies"},
      {GgufBuilder().field("a", 9, raw(uint32_t{9}) + raw(uint64_t{0})).bytes(),
       "the field \"a\" is an array of values of type 9, expected numbers, booleans or strings"},
      {GgufBuilder().field("a", 9, raw(uint32_t{4}) + raw(huge)).bytes(),
       "the field \"a\" has 4611686018427387904 elements, expected as many as fit in a file"},
      {GgufBuilder().field("a", 9, raw(uint32_t{0}) + raw(huge)).bytes(),
       "the field \"a\" takes 4611686018427387904 bytes from byte 49 on, but the file has only 49: it is "
       "truncated or its header lies"},
      {GgufBuilder().field("a", 9, raw(uint32_t{8}) + raw(huge)).bytes(),
       "a string of the field \"a\" takes 8 bytes from byte 49 on, but the file has only 49: "
       "it "
       "is truncated or its header lies"},
      {GgufBuilder().number("general.alignment", 24).bytes(),
       "the field \"general.alignment\" is not an unsigned 32-bit power of two up to 4096"},
      {GgufBuilder().number("general.alignment", 0).bytes(),
       "the field \"general.alignment\" is not an unsigned 32-bit power of two up to 4096"},
      {GgufBuilder().text("general.alignment", "8").bytes(),
       "the field \"general.alignment\" is not an unsigned 32-bit power of two up to 4096"},
  };
  for (const BadFile& bad : cases) EXPECT_EQ(refusal(bad.file), bad.message);
  EXPECT_THAT(refusal(GgufBuilder().number(long_key, 1).bytes()), testing::HasSubstr("expected 1 to 65535"));
}

TEST(GgufHeader, RefusesEveryLieAboutTensors) {
  const auto one = [](const std::vector<uint64_t>& sizes, uint32_t type, uint64_t offset, size_t bytes) {
    return GgufBuilder().info("a", sizes, type, offset).data(std::string(bytes, 'x')).bytes();
  };
  const auto two = [](uint64_t first, uint64_t second, size_t bytes) {
    return GgufBuilder()
        .info("a", {8}, 0, first)
        .info("b", {8}, 0, second)
        .data(std::string(bytes, 'x'))
        .bytes();
  };
  const uint64_t half = uint64_t{1} << 32U;
  const std::string a = "the tensor \"a\" ";
  const std::vector<BadFile> cases = {
      {one({1, 1, 1, 1, 1}, 0, 0, 4), a + "has 5 dimensions, expected at most 4"},
      {one({half, half}, 0, 0, 0),
       a + "has a shape whose elements do not fit in 63 bits, expected sizes that fit in the file"},
      {one({uint64_t{1} << 63U}, 0, 0, 0),
       a + "has a shape whose elements do not fit in 63 bits, expected sizes that fit in the file"},
      {one({uint64_t{1} << 62U}, 0, 0, 0),
       a + "has a shape and an offset whose bytes do not fit in 64 bits, expected ones inside the file"},
      {one({8}, 0, UINT64_MAX - 31, 32),
       a + "has a shape and an offset whose bytes do not fit in 64 bits, expected ones inside the file"},
      {one({8}, 77, 0, 32), a + "has the type 77, expected a type that GGUF has"},
      {one({8}, 4, 0, 32), a + "has the type 4, expected a type that GGUF has"},
      {one({40, 32}, 8, 0, 32), a + "has rows of 40 elements, expected a multiple of 32 for the type Q8_0"},
      {one({}, 12, 0, 32), a + "has rows of 1 elements, expected a multiple of 256 for the type Q4_K"},
      {one({8}, 0, 4, 64), a + "begins at byte 4 of the data, expected a multiple of 32"},
      {one({9}, 0, 0, 32),
       a + "ends at byte 36 of the data, but the file holds only 32: it is truncated or its header lies"},
      {one({8}, 0, 32, 64),
       "bytes 0 to 32 of the data belong to no tensor, expected \"a\" to begin within 32 bytes"},
      {one({8}, 0, 0, 64), "32 bytes after the last tensor belong to none, expected the file to end there"},
      {two(0, 0, 32), "the tensors \"a\" and \"b\" overlap, expected each byte to belong to one"},
      {two(0, 64, 96),
       "bytes 32 to 64 of the data belong to no tensor, expected \"b\" to begin within 32 bytes"},
      {GgufBuilder().info("", {8}, 0, 0).data(std::string(32, 'x')).bytes(),
       "the tensor \"\" has a name of 0 bytes, expected 1 to 64 bytes of UTF-8"},
      {GgufBuilder().info("a", {8}, 0, 0).info("a", {8}, 0, 32).data(std::string(64, 'x')).bytes(),
       "the tensor \"a\" is there twice, expected each name once"},
  };
  for (const BadFile& bad : cases) EXPECT_EQ(refusal(bad.file), bad.message);
}

}  // namespace
}  // namespace caravan
