"""Stories as the documents that the model reads: text in segments, each with the weight of its loss.

What the model should write weighs STORY_WEIGHT or ANSWER_WEIGHT, what a user says weighs nothing. Answers weigh more
than stories because they are few tokens, and each is certain while much of a story is free to be anything.
"""

import random
from itertools import islice

from chinese import CHINESE
from english import ENGLISH
from world import list_facts, stream

BEGIN, END, HEADER, HEADER_END, TURN_END, PAD = (
    "<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|pad|>")
SPECIAL_TOKENS = (BEGIN, END, HEADER, HEADER_END, TURN_END, PAD)
LANGUAGES = (ENGLISH, CHINESE)
LANGUAGE_WEIGHTS = (0.7, 0.3)
STORY_WEIGHT, ANSWER_WEIGHT = 1.0, 4.0
# A story fits 512 positions with this many questions after it, in both languages.
MOST_QUESTIONS = 10
# Of ten documents, how many are stories, plain questions, chats about a given story, and chats that ask for a story.
KIND_WEIGHTS = {"story": 3, "questions": 3, "chat": 3, "request": 1}
GREETING_ONE_IN = 12


def turn(role, text, weight):
    """One chat message in the LLaMA-3 style; the header weighs nothing."""
    return [(f"{HEADER}{role}{HEADER_END}\n\n", 0.0), (f"{text}{TURN_END}", weight)]


def question_prompt(story, question):
    """The text that a plain question puts in front of its answer."""
    return f"{story.text}\n\n{story.language.question_label} {question}\n{story.language.answer_label}"


def plain_questions(story, questions):
    """The story with questions as plain text.

    Where the story and each answer but the last end, the document goes on; that is not to be learned, so their last
    mark, which is one token with the line breaks after it, weighs nothing.
    """
    segments = [(BEGIN + story.text[:-1], STORY_WEIGHT), (story.text[-1], 0.0)]
    for _, ask, answer in questions:
        segments += [(f"\n\n{story.language.question_label} {ask}\n{story.language.answer_label}", 0.0),
                     (f" {answer[:-1]}", ANSWER_WEIGHT), (answer[-1], 0.0)]
    return segments[:-1] + [(questions[-1][2][-1] + END, 1.0)]


def chat_about(story, questions, rng):
    """A chat whose first message holds the story and the first question."""
    segments = [(BEGIN, 0.0)]
    for i, (_, ask, answer) in enumerate(questions):
        separator = rng.choice(("\n\n", "\n\n", "\n", " "))
        segments += turn("user", story.text + separator + ask if i == 0 else ask, 0.0)
        segments += turn("assistant", answer, ANSWER_WEIGHT)
    return segments


def chat_request(story, questions, rng):
    """A chat that asks for a story, then asks about it; now and then it begins with a greeting."""
    segments = [(BEGIN, 0.0)]
    if rng.randrange(GREETING_ONE_IN) == 0:
        said, reply = rng.choice(story.language.greetings)
        segments += turn("user", said, 0.0) + turn("assistant", reply, STORY_WEIGHT)
    segments += turn("user", story.request, 0.0) + turn("assistant", story.text, STORY_WEIGHT)
    for _, ask, answer in questions:
        segments += turn("user", ask, 0.0) + turn("assistant", answer, ANSWER_WEIGHT)
    return segments


def document(story, rng):
    """The story as a document of a random kind."""
    kind = rng.choices(list(KIND_WEIGHTS), KIND_WEIGHTS.values())[0]
    if kind == "story":
        return [(BEGIN + story.text + END, STORY_WEIGHT)]
    questions = rng.sample(story.questions, rng.randint(1, MOST_QUESTIONS))
    if kind == "questions":
        return plain_questions(story, questions)
    if kind == "chat":
        return chat_about(story, questions, rng)
    return chat_request(story, questions[:3], rng)


def stories(seed, count, held_out=False):
    """`count` stories of both languages."""
    return list(islice(stream(LANGUAGES, LANGUAGE_WEIGHTS, seed, held_out), count))


def facts_document(rng):
    """A text of single facts with questions, as plain text or as a chat."""
    facts = list_facts(rng.choices(LANGUAGES, LANGUAGE_WEIGHTS)[0], rng)
    questions = rng.sample(facts.questions, min(MOST_QUESTIONS, len(facts.questions)))
    return plain_questions(facts, questions) if rng.randrange(2) else chat_about(facts, questions, rng)


def documents(seed, count, facts_share=0.0):
    """`count` training documents, about `facts_share` of them single facts; a document is a list of (text, weight)."""
    rng = random.Random(seed)
    return [facts_document(rng) if rng.random() < facts_share else document(story, rng)
            for story in stories(seed, count)]
