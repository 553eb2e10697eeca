"""The `openai` package, blocking."""

import json
import math
from typing import Literal

import openai
import pytest
from openai import OpenAI
from pydantic import BaseModel, Field

from demo_model import DemoModel

# What models/demo/README.md has for temperature 0.
BEGINNING = "Once upon a time"
STORY = ", there was a girl named Rosa, who lived near the well. She was a curious girl. One windy morning, Rosa and three"
USER = [{"role": "user", "content": "Tell me a story about a fox."}]


class Toy(BaseModel):
    colour: Literal["red", "blue", "green"]
    wheels: int = Field(ge=0, le=4)
    loud: bool


WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather at a place.",
        "parameters": {
            "type": "object",
            "properties": {"place": {"enum": ["hill", "pond", "mill"]}, "days": {"enum": [1, 2, 3]}},
            "required": ["place", "days"],
            "additionalProperties": False,
        },
    },
}


@pytest.fixture
def client(demo):
    with OpenAI(base_url=f"{demo.url}/v1", api_key="none", max_retries=0) as made:
        yield made


def is_weather(call):
    assert call.type == "function" and call.id
    assert call.function.name == "get_weather"
    arguments = json.loads(call.function.arguments)
    assert arguments.keys() == {"place", "days"}
    assert arguments["place"] in ("hill", "pond", "mill") and arguments["days"] in (1, 2, 3)


def test_lists_the_model(client):
    assert [model.id for model in client.models.list()] == ["demo"]
    assert client.models.retrieve("demo").max_model_len == 512


def test_completes_greedily_as_the_models_card_says(client):
    answer = client.completions.create(model="demo", prompt=BEGINNING, max_tokens=24, temperature=0)
    assert STORY.startswith(answer.choices[0].text) and len(answer.choices[0].text) > 60
    assert answer.choices[0].finish_reason == "length"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (5, 24)


def test_streams_the_same_completion_and_its_usage(client):
    whole = client.completions.create(model="demo", prompt=BEGINNING, max_tokens=40, temperature=0)
    chunks = list(client.completions.create(
        model="demo", prompt=BEGINNING, max_tokens=40, temperature=0, stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices) == whole.choices[0].text
    assert [chunk.usage for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1].usage.completion_tokens == 40
    assert len(chunks) > 20, "the text comes in pieces"


def test_streams_the_same_chat(client):
    asked = {"model": "demo", "messages": USER, "max_completion_tokens": 200, "temperature": 0, "stop": "\n\n"}
    whole = client.chat.completions.create(**asked).choices[0]
    with client.chat.completions.stream(**asked) as stream:
        pieces = [event.delta for event in stream if event.type == "content.delta"]
        last = stream.get_final_completion().choices[0]
    assert "".join(pieces) == last.message.content == whole.message.content
    assert whole.message.content.startswith(BEGINNING)
    assert last.finish_reason == whole.finish_reason == "stop"


def test_scores_a_prompt_as_the_model_does(client):
    prompt = "Mia has a red kite. Tom is on the hill."
    answer = client.completions.create(model="demo", prompt=prompt, max_tokens=0, echo=True, logprobs=3)
    scores = answer.choices[0].logprobs
    model = DemoModel()
    ids = [0, *model.ids(prompt)]
    rows = model.logprobs(ids)
    assert answer.choices[0].text == prompt
    assert scores.token_logprobs[0] is None and len(scores.tokens) == len(ids)
    for i in range(1, len(ids)):
        assert scores.token_logprobs[i] == pytest.approx(rows[i - 1][ids[i]], abs=1e-3)
        assert max(scores.top_logprobs[i].values()) == pytest.approx(rows[i - 1].max(), abs=1e-3)


def test_gives_the_logprobs_of_a_chat(client):
    answer = client.chat.completions.create(
        model="demo", messages=USER, max_completion_tokens=20, temperature=0, logprobs=True, top_logprobs=2)
    tokens = answer.choices[0].logprobs.content
    assert len(tokens) == 20
    assert b"".join(bytes(token.bytes) for token in tokens).decode() == answer.choices[0].message.content
    for token in tokens:
        assert len(token.top_logprobs) == 2
        assert token.logprob == max(top.logprob for top in token.top_logprobs), "greedy takes the likeliest"
        assert sum(math.exp(top.logprob) for top in token.top_logprobs) < 1.0001


def test_draws_choices_that_a_seed_repeats(client):
    def draw(seed):
        answer = client.chat.completions.create(
            model="demo", messages=USER, max_tokens=30, n=3, temperature=1.5, seed=seed)
        assert [choice.index for choice in answer.choices] == [0, 1, 2]
        return [choice.message.content for choice in answer.choices]

    first = draw(7)
    assert len(set(first)) == 3
    assert draw(7) == first
    assert draw(8) != first


def test_ends_before_a_stop_string(client):
    answer = client.completions.create(model="demo", prompt=BEGINNING, max_tokens=60, temperature=0, stop=["who", "zzz"])
    assert answer.choices[0].text == ", there was a girl named Rosa, "
    assert answer.choices[0].finish_reason == "stop"


def test_calls_the_tool_that_it_must(client):
    asked = {"model": "demo", "messages": USER, "tools": [WEATHER], "max_tokens": 120, "temperature": 1, "seed": 3}
    forced = client.chat.completions.create(
        **asked, tool_choice={"type": "function", "function": {"name": "get_weather"}})
    [call] = forced.choices[0].message.tool_calls
    is_weather(call)
    assert forced.choices[0].message.content is None
    required = client.chat.completions.create(**asked, tool_choice="required", parallel_tool_calls=False)
    assert required.choices[0].finish_reason == "tool_calls"
    is_weather(required.choices[0].message.tool_calls[0])


def test_streams_a_tool_call_in_pieces(client):
    with client.chat.completions.stream(
        model="demo", messages=USER, tools=[WEATHER], tool_choice="required", parallel_tool_calls=False,
        max_tokens=120, temperature=1, seed=3) as stream:
        pieces = [event.arguments_delta for event in stream if event.type == "tool_calls.function.arguments.delta"]
        choice = stream.get_final_completion().choices[0]
    assert choice.finish_reason == "tool_calls"
    [call] = choice.message.tool_calls
    is_weather(call)
    assert "".join(pieces) == call.function.arguments


def test_takes_a_tools_result(client):
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"place": "hill"}'}}
    answer = client.chat.completions.create(model="demo", max_tokens=10, messages=[
        *USER,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "Sunny."},
    ], tools=[WEATHER])
    assert answer.usage.completion_tokens > 0


def test_parses_what_a_schema_demands(client):
    for seed in range(3):
        answer = client.chat.completions.parse(
            model="demo", messages=USER, response_format=Toy, max_tokens=150, temperature=1, seed=seed)
        assert isinstance(answer.choices[0].message.parsed, Toy)
        assert answer.choices[0].finish_reason == "stop"


def test_parses_a_stream_that_a_schema_demands(client):
    with client.chat.completions.stream(
        model="demo", messages=USER, response_format=Toy, max_tokens=150, temperature=1, seed=1) as stream:
        assert isinstance(stream.get_final_completion().choices[0].message.parsed, Toy)


def test_takes_vllms_guides_beside_openais_fields(client):
    answer = client.chat.completions.create(
        model="demo", messages=USER, max_tokens=10, extra_body={"guided_choice": ["hill", "pond"]})
    assert answer.choices[0].message.content in ("hill", "pond")
    answer = client.completions.create(
        model="demo", prompt="No. ", max_tokens=20, extra_body={"structured_outputs": {"regex": "[0-9]{3}-[a-c]"}})
    assert len(answer.choices[0].text) == 5


def test_embeds_alike_as_numbers_and_in_base64(client):
    packed = client.embeddings.create(model="demo", input=["A red kite.", "A kite."])
    plain = client.embeddings.create(model="demo", input=["A red kite.", "A kite."], encoding_format="float")
    assert [item.index for item in packed.data] == [0, 1]
    for a, b in zip(packed.data, plain.data, strict=True):
        assert len(a.embedding) == 256
        assert a.embedding == pytest.approx(b.embedding, rel=1e-6)


def test_raises_its_own_errors(client, demo):
    with pytest.raises(openai.NotFoundError) as unknown:
        client.chat.completions.create(model="gpt-4o", messages=USER)
    assert (unknown.value.code, unknown.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.BadRequestError) as wrong:
        client.chat.completions.create(model="demo", messages=USER, temperature=3)
    assert wrong.value.param == "temperature"
    with pytest.raises(openai.BadRequestError) as long:
        client.completions.create(model="demo", prompt="a red kite " * 300)
    assert long.value.code == "context_length_exceeded"
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model="demo", input="Hi")
    assert unknown.value.request_id


def test_needs_the_key_and_a_template_where_the_server_does(locked):
    with pytest.raises(openai.AuthenticationError):
        OpenAI(base_url=f"{locked.url}/v1", api_key="none", max_retries=0).models.list()
    client = OpenAI(base_url=f"{locked.url}/v1", api_key="sesame", max_retries=0)
    assert client.models.retrieve("org/plain").id == "org/plain"
    assert client.completions.create(model="org/plain", prompt=BEGINNING, max_tokens=3).choices[0].text
    with pytest.raises(openai.BadRequestError, match="chat template"):
        client.chat.completions.create(model="org/plain", messages=USER)
