// KServe v2's /infer: tensors of texts and of token ids, in JSON and in binary.
#include <gmock/gmock.h>

#include "serve/kserve/dialect.h"
#include "support/served.h"

namespace caravan::serve {
namespace {

using test::choice;
using test::demo_tokenizer;
using test::post;
using test::token;
using namespace std::string_literals;

Call infer(const std::string& body) {
  return test::call_of(kserve_dialect(), post("/v2/models/demo/infer", body));
}

std::string refused(const std::string& body) {
  return test::refusal_of(kserve_dialect(), post("/v2/models/demo/infer", body));
}

http::Request binary(const std::string& json, const std::string& bytes) {
  http::Request request = post("/v2/models/demo/infer", json + bytes);
  request.headers.add("Inference-Header-Content-Length", std::to_string(json.size()));
  return request;
}

/// A result of two tokens.
GenerationResult result() {
  GenerationResult one;
  one.choices = {choice({token(100, " upon"), token(101, " a")}, Ending::kLength)};
  return one;
}

const std::string kTokens =
    R"({"name": "input0", "shape": [1, 3], "datatype": "UINT32", "data": [0, 300, 301]})";
const std::string kText = R"({"name": "text_input", "shape": [1], "datatype": "BYTES", "data": ["Once"]})";

TEST(KserveInfer, TakesTokenIdsAndGivesThem) {
  const Call call = infer(R"({"id": "a", "inputs": [)" + kTokens + R"(], "outputs": [{"name": "out"}]})");
  EXPECT_EQ(call.id, "a");
  EXPECT_THAT(call.generations.at(0).prompt, testing::ElementsAre(0, 300, 301));
  EXPECT_EQ(
      call.answer->whole({result()}).body,
      R"({"id":"a","model_name":"demo","model_version":"1","outputs":[{"name":"out","datatype":"UINT32",)"
      R"("shape":[1,2],"data":[100,101]}]})");
}

TEST(KserveInfer, TakesATextAndGivesOne) {
  const Call call = infer(R"({"inputs": [)" + kText + "]}");
  EXPECT_EQ(call.generations.at(0).prompt, demo_tokenizer().encode("Once"));
  EXPECT_EQ(call.answer->whole({result()}).body,
            R"({"id":"request-1","model_name":"demo","model_version":"1","outputs":[{"name":"text_output",)"
            R"("datatype":"BYTES","shape":[1],"data":[" upon a"]}]})");
}

TEST(KserveInfer, TakesSeveralTexts) {
  const Call call = infer(
      R"({"inputs": [{"name": "t", "shape": [2, 1], "datatype": "BYTES", "data": [["Once"], ["a time"]]}],
          "parameters": {"max_tokens": 4, "details": true}})");
  ASSERT_EQ(call.generations.size(), 2U);
  EXPECT_EQ(call.generations[1].prompt, demo_tokenizer().encode("a time"));
  EXPECT_EQ(call.generations[1].max_output, 4);
  const Json body = Json::parse(call.answer->whole({result(), result()}).body);
  EXPECT_EQ(body["outputs"][0]["shape"].dump(), "[2]");
  EXPECT_EQ(body["outputs"][0]["data"].dump(), R"([" upon a"," upon a"])");
  EXPECT_EQ(body["details"].dump(), R"({"finish_reason":["length","length"]})");
}

TEST(KserveInfer, GivesWhatTheOutputsNameSays) {
  const Call texts = infer(R"({"inputs": [)" + kTokens + R"(], "outputs": [{"name": "text_output"}]})");
  EXPECT_THAT(texts.answer->whole({result()}).body, testing::HasSubstr(R"("data":[" upon a"])"));
  const Call ids = infer(R"({"inputs": [)" + kText + R"(], "outputs": [{"name": "output0"}]})");
  EXPECT_THAT(ids.answer->whole({result()}).body, testing::HasSubstr(R"("data":[100,101])"));
}

TEST(KserveInfer, TakesParametersOfTheRequestAndOfTheInput) {
  const Call call = infer(
      R"({"parameters": {"top_k": 2, "temperature": 0.5},
          "inputs": [{"name": "t", "shape": [1], "datatype": "BYTES", "data": ["Once"], "parameters": {"top_k": 3}}]})");
  EXPECT_EQ(call.generations.at(0).sampling.top_k, 3);
  EXPECT_EQ(call.generations.at(0).sampling.temperature, 0.5);
}

TEST(KserveInfer, TakesBinaryTensors) {
  const Call text =
      test::call_of(kserve_dialect(), binary(R"({"inputs": [{"name": "t", "shape": [1], "datatype": "BYTES",
                                  "parameters": {"binary_data_size": 8}}]})",
                                             "\x04\0\0\0Once"s));
  EXPECT_EQ(text.generations.at(0).prompt_text, "Once");
  const Call ids =
      test::call_of(kserve_dialect(), binary(R"({"inputs": [{"name": "t", "shape": [2], "datatype": "INT32",
                                  "parameters": {"binary_data_size": 8}}]})",
                                             "\0\0\0\0\x2c\x01\0\0"s));
  EXPECT_THAT(ids.generations.at(0).prompt, testing::ElementsAre(0, 300));
  const Call wide =
      test::call_of(kserve_dialect(), binary(R"({"inputs": [{"name": "t", "shape": [1], "datatype": "INT64",
                                  "parameters": {"binary_data_size": 8}}]})",
                                             "\x2c\x01\0\0\0\0\0\0"s));
  EXPECT_THAT(wide.generations.at(0).prompt, testing::ElementsAre(300));
}

TEST(KserveInfer, RefusesWrongBinaryTensors) {
  const auto refused_binary = [](const std::string& tensor, const std::string& bytes) {
    return test::refusal_of(kserve_dialect(), binary(R"({"inputs": [)" + tensor + "]}", bytes));
  };
  const std::string text =
      R"({"name": "t", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": 6}})";
  EXPECT_THAT(refused_binary(text, "\x09\0\0\0ab"s), testing::HasSubstr("reaches over its end"));
  EXPECT_THAT(refused_binary(text, "\x02\0\0\0a"s), testing::HasSubstr("binary_data_size"));
  EXPECT_THAT(refused_binary(R"({"name": "t", "shape": [1], "datatype": "INT32",
                                "parameters": {"binary_data_size": 6}})",
                             "abcdef"),
              testing::HasSubstr("expected a multiple of 4"));
  EXPECT_THAT(refused_binary(R"({"name": "t", "shape": [1], "datatype": "INT64",
                                "parameters": {"binary_data_size": 8}})",
                             "\xff\xff\xff\xff\xff\xff\xff\xff"),
              testing::StartsWith("400 "));
  http::Request request = post("/v2/models/demo/infer", "{}");
  request.headers.add("Inference-Header-Content-Length", "3");
  EXPECT_THAT(test::refusal_of(kserve_dialect(), request), testing::StartsWith("400 "));
}

TEST(KserveInfer, RefusesWrongTensors) {
  const auto with = [](const std::string& tensor) { return R"({"inputs": [)" + tensor + "]}"; };
  EXPECT_THAT(refused("{}"), testing::HasSubstr(R"(\"inputs\" is missing, expected a list of one tensor)"));
  EXPECT_THAT(refused(with("")), testing::StartsWith("400 "));
  EXPECT_THAT(refused(with(kText + "," + kText)), testing::StartsWith("400 "));
  EXPECT_THAT(refused(with("3")), testing::StartsWith("400 "));
  for (const char* tensor :
       {R"({"shape": [1], "datatype": "BYTES", "data": ["a"]})",
        R"({"name": "t", "datatype": "BYTES", "data": ["a"]})",
        R"({"name": "t", "shape": [], "datatype": "BYTES", "data": []})",
        R"({"name": "t", "shape": [0], "datatype": "BYTES", "data": []})",
        R"({"name": "t", "shape": [-1], "datatype": "BYTES", "data": ["a"]})",
        R"({"name": "t", "shape": [1, 1, 1], "datatype": "BYTES", "data": ["a"]})",
        R"({"name": "t", "shape": [2, 2], "datatype": "UINT32", "data": [1, 2, 3, 4]})",
        R"({"name": "t", "shape": [2], "datatype": "BYTES", "data": ["a"]})",
        R"({"name": "t", "shape": [1], "datatype": "FP32", "data": [1.0]})",
        R"({"name": "t", "shape": [1], "datatype": "BYTES", "data": [1]})",
        R"({"name": "t", "shape": [1], "datatype": "UINT32", "data": ["a"]})",
        R"({"name": "t", "shape": [1], "datatype": "INT64", "data": [-1]})",
        R"({"name": "t", "shape": [1], "datatype": "INT64", "data": [9223372036854775807]})",
        R"({"name": "t", "shape": [1], "datatype": "UINT64", "data": [18446744073709551615]})",
        R"({"name": "t", "shape": [1], "datatype": "BYTES"})"}) {
    EXPECT_THAT(refused(with(tensor)), testing::StartsWith("400 ")) << tensor;
  }
  for (const char* outputs : {R"([{"name": "a"}, {"name": "b"}])", R"([{}])", R"([3])", "3"}) {
    EXPECT_THAT(refused(R"({"inputs": [)" + kText + R"(], "outputs": )" + outputs + "}"),
                testing::StartsWith("400 "))
        << outputs;
  }
  EXPECT_THAT(refused(R"({"inputs": [{"name": "t", "shape": [2], "datatype": "BYTES", "data": ["a", "b"]}],
                          "outputs": [{"name": "output0"}]})"),
              testing::StartsWith("400 "));
}

}  // namespace
}  // namespace caravan::serve
