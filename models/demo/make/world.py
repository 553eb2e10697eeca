"""The small world: tells stories and asks questions whose answers follow from the text.

A story is one plot of one language with its slots filled. The generator draws who is where, who has what and
how many before it writes a word, so what the story says at its end agrees with what it said at its beginning,
and so does each answer. Everything is a function of the random generator that is passed in.
"""

import hashlib
import random
from dataclasses import dataclass

# One story in HELD_OUT_ONE_IN is held out. Which one depends on who, where and what it is about only.
HELD_OUT_ONE_IN = 16


@dataclass(frozen=True)
class Question:
    """One thing that can be asked about a plot: its kind, ways to ask it, and the template of its answer."""

    kind: str
    asks: tuple
    answer: str


@dataclass(frozen=True)
class Plot:
    """A plot: paragraphs of steps, each step a tuple of ways to tell it, and the questions that it answers.

    `about` names the slot of the thing that the story is about, and `topic` is how a user would call it.
    """

    name: str
    about: str
    topic: str
    paragraphs: tuple
    questions: tuple


@dataclass(frozen=True)
class Language:
    """A language of the world: how it draws slots, its plots, and the fixed words around stories.

    `joiner` goes between two sentences; `facts` are single statements about somebody, each with the questions that it
    answers; `finish` ends an answer; `requests` ask for a story in a chat;
    `greetings` are pairs of what a user may say first and what is answered.
    """

    name: str
    joiner: str
    finish: str
    question_label: str
    answer_label: str
    draw: callable
    plots: tuple
    facts: tuple
    requests: tuple
    greetings: tuple


@dataclass(frozen=True)
class Story:
    """A told story: its text, its (kind, question, answer) triples, and how a user may ask for it."""

    language: Language
    plot: str
    text: str
    questions: tuple
    request: str
    held_out: bool


def is_held_out(language_name, hero, place, thing):
    """Whether stories of this hero, first place and thing belong to the held-out set."""
    digest = hashlib.sha256(f"{language_name}|{hero}|{place}|{thing}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % HELD_OUT_ONE_IN == 0


def upper_first(text):
    """`text` with its first letter in upper case; Chinese is left as it is."""
    return text[:1].upper() + text[1:]


def tell(language, rng, held_out):
    """Draws worlds until one is on the wanted side of the split, and tells its story."""
    while True:
        plot = rng.choice(language.plots)
        slots = language.draw(rng)
        if is_held_out(language.name, slots["hero"], slots["the1"], slots[plot.about]) == held_out:
            break

    def say(template):
        return upper_first(template.format(**slots))

    paragraphs = [language.joiner.join(say(rng.choice(step)) for step in steps) for steps in plot.paragraphs]
    questions = tuple((q.kind, say(rng.choice(q.asks)), say(q.answer) + language.finish) for q in plot.questions)
    slots["topic"] = plot.topic.format(**slots)
    return Story(language, plot.name, "\n\n".join(paragraphs), questions, say(rng.choice(language.requests)), held_out)


def list_facts(language, rng):
    """A text of single facts about several people, of whom no two share a name, a place or a thing."""
    sentences, questions, used = [], [], set()
    for _ in range(rng.randint(2, 6)):
        slots = language.draw(rng)
        mine = {slots[key] for key in ("hero", "friend", "the1", "noun", "fruit")}
        if mine & used:
            continue
        used |= mine
        statement, asked = rng.choice(language.facts)
        sentences.append(upper_first(statement.format(**slots)))
        questions += [(q.kind, rng.choice(q.asks).format(**slots), upper_first(q.answer.format(**slots)) + language.finish)
                      for q in asked]
    return Story(language, "facts", language.joiner.join(sentences), tuple(questions), "", False)


def stream(languages, weights, seed, held_out=False):
    """Endless stories of the languages, drawn by weight: the same seed tells the same stories."""
    rng = random.Random(seed)
    while True:
        yield tell(rng.choices(languages, weights)[0], rng, held_out)
