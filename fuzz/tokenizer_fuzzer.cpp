// tokenizer.json from untrusted hands: whatever the bytes, loading and encoding end in ids or in an Error.
#include <string_view>

#include "base/error.h"
#include "text/tokenizer.h"
#include "text/tokenizer_json.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  try {
    const caravan::Tokenizer tokenizer(
        caravan::parse_tokenizer_json({reinterpret_cast<const char*>(data), size}, "fuzz"));
    const std::vector<int32_t> ids =
        tokenizer.encode("Once upon a time, 从前 <s> 123\n\n  'LL \xF0\x9F\xA6\x99");
    static_cast<void>(tokenizer.decode(ids, false));
  } catch (const caravan::Error&) {
    // The one way in which a bad file may end.
    return 0;
  }
  return 0;
}
