// GGUF files for tests, right and wrong ones, built field by field.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace caravan::test {

template <typename T>
std::string raw(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

/// A string as the format has it: 8 bytes of length, then the text.
inline std::string gguf_text(const std::string& text) { return raw(uint64_t{text.size()}) + text; }

class GgufBuilder {
 public:
  uint32_t version = 3;
  uint64_t alignment = 32;

  /// A field of any type, from the bytes of its value.
  GgufBuilder& field(const std::string& key, uint32_t type, const std::string& value) {
    fields_ += gguf_text(key) + raw(type) + value;
    ++field_count_;
    return *this;
  }
  GgufBuilder& number(const std::string& key, uint32_t value) { return field(key, 4, raw(value)); }
  GgufBuilder& real(const std::string& key, float value) { return field(key, 6, raw(value)); }
  GgufBuilder& flag(const std::string& key, bool value) { return field(key, 7, raw(uint8_t{value})); }
  GgufBuilder& text(const std::string& key, const std::string& value) {
    return field(key, 8, gguf_text(value));
  }
  GgufBuilder& texts(const std::string& key, const std::vector<std::string>& values) {
    std::string bytes = raw(uint32_t{8}) + raw(uint64_t{values.size()});
    for (const std::string& value : values) bytes += gguf_text(value);
    return field(key, 9, bytes);
  }
  GgufBuilder& numbers(const std::string& key, const std::vector<int32_t>& values) {
    std::string bytes = raw(uint32_t{5}) + raw(uint64_t{values.size()});
    for (const int32_t value : values) bytes += raw(value);
    return field(key, 9, bytes);
  }
  GgufBuilder& reals(const std::string& key, const std::vector<float>& values) {
    std::string bytes = raw(uint32_t{6}) + raw(uint64_t{values.size()});
    for (const float value : values) bytes += raw(value);
    return field(key, 9, bytes);
  }

  /// The info of a tensor, its sizes innermost first, as files have them.
  GgufBuilder& info(const std::string& name, const std::vector<uint64_t>& sizes, uint32_t type,
                    uint64_t offset) {
    infos_ += gguf_text(name) + raw(static_cast<uint32_t>(sizes.size()));
    for (const uint64_t size : sizes) infos_ += raw(size);
    infos_ += raw(type) + raw(offset);
    ++tensor_count_;
    return *this;
  }
  /// A tensor with its bytes, after those before it.
  GgufBuilder& tensor(const std::string& name, const std::vector<uint64_t>& sizes, uint32_t type,
                      const std::string& bytes) {
    info(name, sizes, type, data_.size());
    data_ += bytes;
    data_.resize((data_.size() + alignment - 1) / alignment * alignment, '\0');
    return *this;
  }
  /// Bytes of the data part, of no tensor.
  GgufBuilder& data(const std::string& bytes) {
    data_ += bytes;
    return *this;
  }

  [[nodiscard]] std::string bytes() const { return bytes(tensor_count_, field_count_); }
  /// With other counts than there are.
  [[nodiscard]] std::string bytes(uint64_t tensors, uint64_t fields) const {
    std::string file = "GGUF" + raw(version) + raw(tensors) + raw(fields) + fields_ + infos_;
    if (!data_.empty()) file.resize((file.size() + alignment - 1) / alignment * alignment, '\0');
    return file + data_;
  }

 private:
  std::string fields_;
  std::string infos_;
  std::string data_;
  uint64_t field_count_ = 0;
  uint64_t tensor_count_ = 0;
};

/// The fields of a model with 2 layers of width 8: 4 heads of 2, 2 of them for keys, and 5 tokens.
inline GgufBuilder tiny_llama() {
  GgufBuilder builder;
  builder.text("general.architecture", "llama")
      .number("llama.context_length", 64)
      .number("llama.embedding_length", 8)
      .number("llama.block_count", 2)
      .number("llama.feed_forward_length", 12)
      .number("llama.attention.head_count", 4)
      .number("llama.attention.head_count_kv", 2)
      .real("llama.attention.layer_norm_rms_epsilon", 1e-5F)
      .number("llama.vocab_size", 5);
  return builder;
}

}  // namespace caravan::test
