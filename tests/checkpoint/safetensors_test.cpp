#include "checkpoint/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/safetensors_builder.h"
#include "support/errors.h"

namespace caravan {
namespace {

using test::error_of;
using test::safetensors_bytes;

SafetensorsHeader parse(const std::string& file) {
  return parse_safetensors_header(std::as_bytes(std::span(file)), file.size(), "m.safetensors");
}

TEST(SafetensorsHeader, GivesTensorsInTheOrderOfTheirBytes) {
  const SafetensorsHeader header = parse(safetensors_bytes(
      R"({"b":{"dtype":"BF16","shape":[2,3],"data_offsets":[4,16]},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
      R"("__metadata__":{"format":"pt","model.embed_tokens.weight":"lm_head.weight"}}   )",
      16));
  ASSERT_EQ(header.tensors.size(), 2U);
  EXPECT_EQ(header.tensors[0].name, "a");
  EXPECT_EQ(header.tensors[0].shape, Shape());
  EXPECT_EQ(header.tensors[1].dtype_name, "BF16");
  EXPECT_EQ(header.tensors[1].shape, (Shape{2, 3}));
  EXPECT_EQ(header.tensors[1].begin, 4U);
  EXPECT_EQ(header.tensors[1].end, 16U);
  EXPECT_EQ(header.metadata.at("format"), "pt");
}

TEST(SafetensorsHeader, TakesAFileWithoutTensorsAndTensorsWithoutBytes) {
  EXPECT_TRUE(parse(safetensors_bytes("{}", 0)).tensors.empty());
  const std::string empty = R"({"e":{"dtype":"F32","shape":[0,9],"data_offsets":[0,0]},)"
                            R"("a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},)"
                            R"("z":{"dtype":"F32","shape":[4,0],"data_offsets":[3,3]}})";
  EXPECT_EQ(parse(safetensors_bytes(empty, 3)).tensors.size(), 3U);
}

TEST(SafetensorsHeader, KeepsDtypesThatCaravanHasNoTypeFor) {
  const SafetensorsHeader header =
      parse(safetensors_bytes(R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},)"
                              R"("b":{"dtype":"F99_NEW","shape":[7],"data_offsets":[8,10]}})",
                              10));
  EXPECT_EQ(header.tensors[0].dtype_name, "F64");
  EXPECT_EQ(header.tensors[1].dtype_name, "F99_NEW");
  EXPECT_EQ(dtype_from_safetensors("F64"), std::nullopt);
}

struct BadHeader {
  std::string header;
  size_t data_bytes;
  std::string message;  ///< after "m.safetensors: "
};

TEST(SafetensorsHeader, RefusesEveryLie) {
  const std::string field = "field \"a.";
  const std::vector<BadHeader> cases = {
      {R"([])", 0, "the header does not begin with {, expected a safetensors file"},
      {R"( {})", 0, "the header does not begin with {, expected a safetensors file"},
      {R"({"a")", 0,
       "not valid JSON at line 1, column 5: syntax error while parsing object separator - unexpected end of "
       "input; "
       "expected ':'"},
      {R"({"a":3})", 0, "field \"a\" is the number 3, expected an object"},
      {R"({"a":{"shape":[1],"data_offsets":[0,4]}})", 4, field + "dtype\" is missing, expected a string"},
      {R"({"a":{"dtype":3,"shape":[1],"data_offsets":[0,4]}})", 4,
       field + "dtype\" is the number 3, expected a string"},
      {R"({"a":{"dtype":"F32","data_offsets":[0,4]}})", 4,
       field + "shape\" is missing, expected an array of sizes"},
      {R"({"a":{"dtype":"F32","shape":4,"data_offsets":[0,4]}})", 4,
       field + "shape\" is the number 4, expected an array"},
      {R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4,
       "the tensor \"a\" has the number -1 in its shape, expected integers from 0 to 9223372036854775807"},
      {R"({"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})", 4,
       "the tensor \"a\" has the number 1.0 in its shape, expected integers from 0 to 9223372036854775807"},
      {R"({"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}})", 4,
       R"(the tensor "a" has the string "1" in its shape, expected integers from 0 to 9223372036854775807)"},
      {R"({"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]}})", 4,
       "the tensor \"a\" has the number 9223372036854775808 in its shape, expected integers from 0 to "
       "9223372036854775807"},
      {R"({"a":{"dtype":"F32","shape":[1,1,1,1,1],"data_offsets":[0,4]}})", 4,
       "the tensor \"a\" has 5 dimensions, expected at most 4, which is all that a LLaMA-family model has"},
      {R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0,
       "the tensor \"a\" has a shape whose elements do not fit in 63 bits, expected sizes that fit in the "
       "file"},
      {R"({"a":{"dtype":"F32","shape":[4294967296,4294967296,0],"data_offsets":[0,0]}})", 0,
       "the tensor \"a\" has a shape whose elements do not fit in 63 bits, expected sizes that fit in the "
       "file"},
      // 2^62 elements of 4 bytes are 0 modulo 2^64.
      {R"({"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}})", 0,
       "the tensor \"a\" has data_offsets 0 to 0, expected 4611686018427387904 x 4 bytes between them for "
       "dtype F32 "
       "and shape [4611686018427387904]"},
      {R"({"a":{"dtype":"F16","shape":[3],"data_offsets":[0,4]}})", 4,
       "the tensor \"a\" has data_offsets 0 to 4, expected 3 x 2 bytes between them for dtype F16 and shape "
       "[3]"},
      {R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[0,4]}})", 4,
       "the tensor \"a\" has data_offsets 0 to 4, expected 1 x 8 bytes between them for dtype F64 and shape "
       "[1]"},
      {R"({"a":{"dtype":"F8_E4M3","shape":[3],"data_offsets":[0,4]}})", 4,
       "the tensor \"a\" has data_offsets 0 to 4, expected 3 x 1 bytes between them for dtype F8_E4M3 and "
       "shape [3]"},
      {R"({"a":{"dtype":"F32","shape":[1]}})", 4,
       field + "data_offsets\" is missing, expected an array of 2 byte offsets"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", 4,
       field + "data_offsets\" is an array of 1, expected an array of 2 byte offsets"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}})", 4,
       "the tensor \"a\" has the number -4 in its data_offsets, expected integers from 0 to "
       "9223372036854775807"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[18446744073709551615,4]}})", 4,
       "the tensor \"a\" has the number 18446744073709551615 in its data_offsets, expected integers from 0 "
       "to "
       "9223372036854775807"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 4,
       "the tensor \"a\" has data_offsets 4 to 0, expected the first to be at most the second"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 4,
       "the tensor \"a\" ends at byte 8 of the data, but the file holds only 4: it is truncated or its "
       "header lies"},
      {R"({"a":{"dtype":"X","shape":[],"data_offsets":[0,9223372036854775807]}})", 4,
       "the tensor \"a\" ends at byte 9223372036854775807 of the data, but the file holds only 4: it is "
       "truncated or "
       "its header lies"},
      {R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[3,7]}})",
       7, R"(the tensors "a" and "b" overlap, expected each byte to belong to one)"},
      {R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})",
       4, R"(the tensors "a" and "b" overlap, expected each byte to belong to one)"},
      {R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[4],"data_offsets":[3,7]}})",
       7, "bytes 2 to 3 of the data belong to no tensor, expected \"b\" to begin at 2"},
      {R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", 7,
       "3 bytes after the last tensor belong to none, expected the file to end there"},
      {R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})",
       4, "the name \"a\" appears twice in one object"},
      {R"({"__metadata__":[]})", 0, "field \"__metadata__\" is an array of 0, expected an object"},
      {R"({"__metadata__":{"format":3}})", 0,
       "field \"__metadata__.format\" is the number 3, expected a string"},
  };
  for (const BadHeader& each : cases) {
    EXPECT_EQ(error_of([&each] { parse(safetensors_bytes(each.header, each.data_bytes)); }),
              "m.safetensors: " + each.message)
        << each.header;
  }
}

struct BadStart {
  std::string file;
  std::string message;
};

TEST(SafetensorsHeader, RefusesALengthThatCannotBe) {
  const std::string says = "m.safetensors: says that its header has ";
  const std::vector<BadStart> cases = {
      {"",
       "m.safetensors: has 0 bytes, expected a safetensors file, which starts with 8 bytes of header length"},
      {"1234567",
       "m.safetensors: has 7 bytes, expected a safetensors file, which starts with 8 bytes of header length"},
      {safetensors_bytes(3, "{}", 0),
       says + "3 bytes, but only 2 follow: it is truncated or not a safetensors file"},
      {safetensors_bytes(10'000'000'000, "{}", 0),
       says + "10000000000 bytes, expected at most 100000000 in a safetensors file"},
      {safetensors_bytes(UINT64_MAX, "{}", 0),
       says + "18446744073709551615 bytes, expected at most 100000000 in a safetensors file"},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
       "m.safetensors: is a Git LFS pointer, not the weights themselves; fetch them with git lfs pull"},
  };
  for (const BadStart& each : cases) EXPECT_EQ(error_of([&each] { parse(each.file); }), each.message);
}

TEST(SafetensorsHeader, RefusesEveryTruncationOfAGoodFile) {
  const std::string good = safetensors_bytes(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8);
  EXPECT_EQ(error_of([&good] { parse(good); }), "no Error");
  for (size_t kept = 0; kept < good.size(); ++kept)
    EXPECT_THROW(parse(good.substr(0, kept)), Error) << kept << " bytes";
}

TEST(SafetensorsNames, RoundTripForEveryDtype) {
  for (size_t i = 0; i < kDTypeCount; ++i) {
    const auto dtype = static_cast<DType>(i);
    EXPECT_EQ(dtype_from_safetensors(safetensors_name_of(dtype)), dtype);
  }
}

TEST(SafetensorsWriter, WritesAHeaderThatTheParserReads) {
  const std::vector<TensorToWrite> tensors = {{"b", DType::kBF16, {2, 3}}, {"a", DType::kF32, {}}};
  const std::string start = safetensors_header(tensors, {{"format", "pt"}});
  EXPECT_EQ(start.size() % 8, 0U);
  const SafetensorsHeader header = parse(start + std::string(16, 'x'));
  EXPECT_EQ(header.data_start, start.size());
  EXPECT_EQ(header.metadata.at("format"), "pt");
  ASSERT_EQ(header.tensors.size(), 2U);
  EXPECT_EQ(header.tensors[0].name, "b");
  EXPECT_EQ(header.tensors[0].shape, (Shape{2, 3}));
  EXPECT_EQ(header.tensors[1].begin, 12U);
  EXPECT_EQ(header.tensors[1].end, 16U);
}

TEST(SafetensorsWriter, ReservesRoomForAHeaderThatGrows) {
  const std::string early = safetensors_header({{"logits", DType::kF32, {0, 9}}}, {}, 200);
  const std::string late = safetensors_header({{"logits", DType::kF32, {1'000'000, 9}}}, {}, 200);
  EXPECT_EQ(early.size(), 200U);
  EXPECT_EQ(late.size(), 200U);
  EXPECT_EQ(parse(early).tensors.size(), 1U);
}

TEST(SafetensorsWriter, RefusesMetadataThatJsonCannotHold) {
  EXPECT_EQ(error_of([] {
              safetensors_header({}, {{"prompt", "\xff"}});
            }),
            "safetensors header: \"\\xff\" is not valid UTF-8");
}

}  // namespace
}  // namespace caravan
