// Reads and checks the `messages` of a chat.
// Thread safety: pure functions.
#pragma once

#include "serve/api/body.h"

namespace caravan::serve::openai {

/// The messages in the form that chat templates expect (chat_prompt.h). Throws RequestError naming the
/// message and its field; content that is not text is refused by the name of its type.
Json read_messages(const Fields& fields);

}  // namespace caravan::serve::openai
