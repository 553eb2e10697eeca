"""`huggingface_hub.InferenceClient`, which speaks TGI's dialect, and OpenAI's in TGI's way."""

import asyncio
import json
import re

import pytest
from huggingface_hub import AsyncInferenceClient, InferenceClient
from huggingface_hub.errors import ValidationError

BEGINNING = "Once upon a time"
GREEDY = ", there was a girl named Rosa, who lived"
USER = [{"role": "user", "content": "Tell me a story about a fox."}]
SCHEMA = {
    "type": "object",
    "properties": {"colour": {"enum": ["red", "blue"]}, "loud": {"type": "boolean"}},
    "required": ["colour", "loud"],
}


@pytest.fixture
def client(demo):
    return InferenceClient(demo.url)


def is_toy(text):
    toy = json.loads(text)
    assert toy.keys() == {"colour", "loud"} and toy["colour"] in ("red", "blue") and isinstance(toy["loud"], bool)


def test_continues_a_text(client):
    assert client.text_generation(BEGINNING, max_new_tokens=10, return_full_text=False) == GREEDY
    assert client.text_generation(BEGINNING, max_new_tokens=10) == BEGINNING + GREEDY, "TGI's default on this path"


def test_gives_the_details(client, demo):
    answer = client.text_generation(
        BEGINNING, max_new_tokens=10, details=True, decoder_input_details=True, return_full_text=False, top_n_tokens=2)
    details = answer.details
    assert "".join(token.text for token in details.tokens) == answer.generated_text == GREEDY
    assert (details.finish_reason, details.generated_tokens) == ("length", 10)
    assert [len(top) for top in details.top_tokens] == [2] * 10
    assert [top[0]["id"] for top in details.top_tokens] == [token.id for token in details.tokens]
    scores = demo.post("/v1/completions", {"prompt": BEGINNING, "max_tokens": 0, "echo": True, "logprobs": 0})
    assert [token.logprob for token in details.prefill] == scores["choices"][0]["logprobs"]["token_logprobs"]


def test_streams_tokens_and_ends_with_the_details(client):
    assert "".join(client.text_generation(BEGINNING, max_new_tokens=10, stream=True)) == GREEDY
    events = list(client.text_generation(
        BEGINNING, max_new_tokens=10, stream=True, details=True, return_full_text=False))
    assert "".join(event.token.text for event in events) == GREEDY
    assert [event.details for event in events[:-1]] == [None] * 9
    assert events[-1].generated_text == GREEDY
    assert (events[-1].details.finish_reason, events[-1].details.generated_tokens) == ("length", 10)


def test_streams_without_blocking(demo):
    async def whole():
        async with AsyncInferenceClient(demo.url) as client:
            tokens = await client.text_generation(BEGINNING, max_new_tokens=10, stream=True)
            return "".join([token async for token in tokens])

    assert asyncio.run(whole()) == GREEDY


def test_ends_with_a_stop_sequence(client):
    answer = client.text_generation(BEGINNING, max_new_tokens=60, stop=["who"], details=True, return_full_text=False)
    assert answer.generated_text == ", there was a girl named Rosa, who"
    assert answer.details.finish_reason == "stop_sequence"


def test_samples_what_a_seed_repeats(client):
    asked = {"max_new_tokens": 20, "do_sample": True, "temperature": 1.5, "top_k": 50, "top_p": 0.9, "details": True}
    drawn = [client.text_generation(BEGINNING, seed=seed, **asked) for seed in (11, 11, 12)]
    assert drawn[0].generated_text == drawn[1].generated_text != drawn[2].generated_text
    assert drawn[0].details.seed == 11


def test_gives_the_likeliest_of_some(client):
    answer = client.text_generation(BEGINNING, max_new_tokens=20, do_sample=True, temperature=1.5, best_of=3, details=True)
    others = answer.details.best_of_sequences
    assert len(others) == 2

    def score(tokens):
        return sum(token.logprob for token in tokens) / len(tokens)

    assert all(score(answer.details.tokens) >= score(other.tokens) for other in others)


def test_keeps_to_a_grammar(client):
    asked = {"max_new_tokens": 100, "do_sample": True, "seed": 2, "return_full_text": False}
    is_toy(client.text_generation("A toy: ", grammar={"type": "json", "value": SCHEMA}, **asked))
    number = client.text_generation("Call ", grammar={"type": "regex", "value": "[0-9]{3}-[a-c]"}, **asked)
    assert re.fullmatch("[0-9]{3}-[a-c]", number)


def test_raises_its_own_error_for_what_does_not_fit(client):
    with pytest.raises(ValidationError, match="max_new_tokens"):
        client.text_generation(BEGINNING, max_new_tokens=4000)


def test_chats_though_it_knows_no_models_name(client, demo):
    for asker in (client, InferenceClient(base_url=f"{demo.url}/v1/")):
        answer = asker.chat_completion(USER, max_tokens=10, temperature=0)
        assert answer.choices[0].message.content.startswith(BEGINNING)
        assert answer.model == "demo"
    answer = client.chat.completions.create(model="tgi", messages=USER, max_tokens=10)
    assert answer.usage.completion_tokens == 10


def test_streams_a_chat(client):
    whole = client.chat_completion(USER, max_tokens=30, temperature=0).choices[0]
    chunks = list(client.chat_completion(USER, max_tokens=30, temperature=0, stream=True))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == whole.message.content
    assert chunks[-1].choices[0].finish_reason == whole.finish_reason == "length"


def test_chats_in_the_form_of_a_schema(client):
    form = {"type": "json_schema", "json_schema": {"name": "toy", "schema": SCHEMA}}
    for seed in range(3):
        answer = client.chat_completion(USER, max_tokens=100, temperature=1.0, seed=seed, response_format=form)
        is_toy(answer.choices[0].message.content)


def test_calls_a_tool(client):
    tool = {"type": "function", "function": {"name": "toy", "description": "A toy.", "parameters": SCHEMA}}
    answer = client.chat_completion(USER, tools=[tool], tool_choice="required", max_tokens=100, seed=1)
    call = answer.choices[0].message.tool_calls[0]
    assert call.function.name == "toy"
    is_toy(call.function.arguments)
