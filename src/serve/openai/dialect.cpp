#include "serve/openai/dialect.h"

#include "serve/openai/chat.h"
#include "serve/openai/completions.h"
#include "serve/openai/embeddings.h"
#include "serve/openai/errors.h"
#include "serve/openai/models.h"
#include "serve/openai/tokenize.h"

namespace caravan::serve {

Dialect openai_dialect() {
  using namespace openai;
  return {"openai",
          {
              {"GET", "/v1/models", list_models},
              {"GET", "/v1/models/{model...}", show_model},
              {"POST", "/v1/completions", complete},
              {"POST", "/v1/chat/completions", chat},
              {"POST", "/v1/embeddings", embed},
              {"POST", "/tokenize", tokenize},
              {"POST", "/detokenize", detokenize},
              {"GET", "/tokenizer_info", tokenizer_info},
              {"GET", "/version", version},
              {"GET", "/health", health},
              {"GET", "/ready", ready},
          },
          failure_response};
}

}  // namespace caravan::serve
