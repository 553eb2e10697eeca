// TGI's `grammar` parameter. Thread safety: a pure function.
#pragma once

#include "serve/api/body.h"
#include "text/grammar/guide_spec.h"

namespace caravan::serve {

/// {"type": "json" | "regex" | "json_schema", "value": …}. Throws RequestError (kInvalid); whether the guide
/// compiles shows later.
GuideSpec read_tgi_grammar(const Fields& grammar);

}  // namespace caravan::serve
