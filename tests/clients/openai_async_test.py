"""The `openai` package, many requests at a time."""

import asyncio

from openai import AsyncOpenAI

PROMPTS = ["Once upon a time", "One rainy morning", "从前", "Long ago, a gentle boy called Tom"]


def run(demo, work):
    async def whole():
        async with AsyncOpenAI(base_url=f"{demo.url}/v1", api_key="none", max_retries=0) as client:
            return await work(client)

    return asyncio.run(whole())


async def complete(client, prompt):
    answer = await client.completions.create(model="demo", prompt=prompt, max_tokens=80, temperature=0)
    return answer.choices[0].text


async def stream(client, prompt):
    events = await client.completions.create(model="demo", prompt=prompt, max_tokens=80, temperature=0, stream=True)
    return "".join([event.choices[0].text async for event in events])


def test_what_runs_together_changes_no_text(demo):
    async def alone(client):
        return [await complete(client, prompt) for prompt in PROMPTS]

    async def together(client):
        return await asyncio.gather(*(ask(client, prompt) for prompt in PROMPTS * 4 for ask in (complete, stream)))

    expected = [text for text in run(demo, alone) for _ in (complete, stream)]
    assert run(demo, together) == expected * 4


def test_a_stream_that_is_left_ends_in_the_server_too(demo):
    async def leave(client):
        events = await client.completions.create(
            model="demo", prompt="Once", max_tokens=500, stream=True, extra_body={"ignore_eos": True})
        async for _ in events:
            break
        await events.close()

    before = demo.metric("vllm:generation_tokens_total")
    run(demo, leave)
    demo.wait_for_metric("vllm:num_requests_running", 0)
    demo.wait_for_metric("caravan_kv_blocks_used", 0)
    assert demo.metric("vllm:generation_tokens_total") - before < 500
