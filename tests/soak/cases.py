"""Requests whose answers are known: in every dialect, whole and streamed, greedy and seeded.

An answer is reduced to what must never change: texts, token ids, log-probabilities, reasons to finish. A whole
answer and a streamed one reduce to the same.
"""

import json

NAMES = ("Rosa", "Tom", "Mia", "Ben", "Lily", "Max", "Sue", "Tim")
ENDS = ("found a small key.", "lost her red ball.", "saw a big dog.", "wanted to bake a cake.", "heard a sound.")
SCHEMA = {"type": "object", "required": ["age", "kind"], "additionalProperties": False,
          "properties": {"age": {"type": "integer", "minimum": 1, "maximum": 99}, "kind": {"enum": ["cat", "dog"]}}}


def prompt_of(random, longest=8):
    """Some beginnings are shared, so that the prefix cache has something to find and too much to keep."""
    name = random.choice(NAMES)
    story = "Once upon a time, there was a child who lived near the well, and friends came to play every day. "
    return story * min(longest, random.choice((1, 1, 2, 4, 8))) + f"One morning {name} " + random.choice(ENDS)


def sampling_of(random):
    return {"temperature": 0} if random.random() < 0.5 else {"temperature": 1.0, "seed": random.randrange(10**6)}


def events_of(body):
    lines = body.decode().split("\n\n")
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


def refuse_errors(value):
    if isinstance(value, dict) and "error" in value:
        raise ValueError(f"an error in the stream: {value['error']}")
    return value


# Each dialect: from a whole body to the answer, and from a stream's to the same.

def completion_whole(body):
    choices = json.loads(body)["choices"]
    return [[c["text"], c["finish_reason"], (c["logprobs"] or {}).get("token_logprobs", [])] for c in choices]


def completion_stream(body):
    found = {}
    for event in events_of(body):
        for c in refuse_errors(event)["choices"]:
            choice = found.setdefault(c["index"], ["", None, []])
            choice[0] += c["text"]
            choice[1] = c["finish_reason"] or choice[1]
            choice[2] += (c["logprobs"] or {}).get("token_logprobs", [])
    return [found[index] for index in sorted(found)]


def chat_logprobs(choice):
    return [token["logprob"] for token in (choice["logprobs"] or {}).get("content") or []]


def chat_whole(body):
    choices = json.loads(body)["choices"]
    return [[c["message"]["content"], c["finish_reason"], chat_logprobs(c)] for c in choices]


def chat_stream(body):
    found = {}
    for event in events_of(body):
        for c in refuse_errors(event)["choices"]:
            choice = found.setdefault(c["index"], ["", None, []])
            choice[0] += c["delta"].get("content") or ""
            choice[1] = c["finish_reason"] or choice[1]
            choice[2] += chat_logprobs(c)
    return [found[index] for index in sorted(found)]


def tgi_whole(body):
    answer = json.loads(body)
    tokens = answer["details"]["tokens"]
    return [answer["generated_text"], [[t["id"], t["logprob"]] for t in tokens]]


def tgi_stream(body):
    events = [refuse_errors(event) for event in events_of(body)]
    return [events[-1]["generated_text"], [[e["token"]["id"], e["token"]["logprob"]] for e in events]]


def infer_whole(body):
    answer = json.loads(body)
    return [answer["generated_text"], answer["details"]["finish_reason"]]


def infer_stream(body):
    last = [refuse_errors(event) for event in events_of(body)][-1]
    return [last["generated_text"], last["details"]["finish_reason"]]


def kserve_whole(body):
    return json.loads(body)["text_output"]


def kserve_stream(body):
    return "".join(refuse_errors(event)["text_output"] for event in events_of(body))


def vllm_whole(body):
    return json.loads(body)["text"]


def vllm_stream(body):
    return refuse_errors(json.loads(body.split(b"\0")[-2]))["text"]


def embedding_whole(body):
    return json.loads(body)["data"][0]["embedding"]


def tensor_whole(body):
    return json.loads(body)["outputs"][0]["data"]


class Case:
    """`body` as it is sent for a whole answer; how it is sent for a stream, if it can be."""

    def __init__(self, name, path, body, whole, stream=None, stream_path=None):
        self.name, self.path, self.body, self.whole, self.stream = name, path, body, whole, stream
        self.stream_path = stream_path
        self.answer = None

    def request(self, streamed):
        """Path and body."""
        if not streamed:
            return self.path, json.dumps(self.body).encode()
        if self.stream_path:
            return self.stream_path, json.dumps(self.body).encode()
        return self.path, json.dumps({**self.body, "stream": True}).encode()

    def answer_of(self, body, streamed):
        return self.stream(body) if streamed else self.whole(body)


def completion(random, name="completion", **more):
    body = {"prompt": prompt_of(random), "max_tokens": random.randrange(8, 49), **sampling_of(random), **more}
    return Case(name, "/v1/completions", body, completion_whole, completion_stream)


def chat(random, name="chat", **more):
    body = {"messages": [{"role": "user", "content": prompt_of(random)}], "max_tokens": random.randrange(8, 49),
            **sampling_of(random), **more}
    return Case(name, "/v1/chat/completions", body, chat_whole, chat_stream)


def tgi(random):
    parameters = {"max_new_tokens": random.randrange(8, 49), "details": True}
    if random.random() < 0.5:
        parameters |= {"do_sample": True, "temperature": 0.8, "seed": random.randrange(10**6)}
    return Case("tgi", "/generate", {"inputs": prompt_of(random), "parameters": parameters}, tgi_whole, tgi_stream,
                "/generate_stream")


def mindie(random):
    # A time limit far away: its timer must not outlive the request.
    parameters = {"max_new_tokens": random.randrange(8, 49), "details": True, "timeout": 65535}
    if random.random() < 0.5:
        parameters |= {"do_sample": True, "temperature": 0.8, "seed": random.randrange(10**6)}
    return Case("mindie", "/infer", {"inputs": prompt_of(random), "parameters": parameters}, infer_whole, infer_stream)


def kserve(random):
    body = {"text_input": prompt_of(random), "parameters": {"max_tokens": random.randrange(8, 49),
                                                            **sampling_of(random)}}
    return Case("kserve", "/v2/models/demo/generate", body, kserve_whole, kserve_stream,
                "/v2/models/demo/generate_stream")


def kserve_tensors(random):
    tensor = {"name": "INPUT0", "datatype": "BYTES", "shape": [1], "data": [prompt_of(random)]}
    body = {"inputs": [tensor], "parameters": {"max_tokens": random.randrange(8, 33), "temperature": 0}}
    return Case("kserve tensors", "/v2/models/demo/infer", body, tensor_whole)


def vllm(random):
    body = {"prompt": prompt_of(random), "max_tokens": random.randrange(8, 49), **sampling_of(random)}
    return Case("vllm", "/generate", body, vllm_whole, vllm_stream)


def embedding(random):
    return Case("embedding", "/v1/embeddings", {"input": prompt_of(random)}, embedding_whole)


def choices(random):
    return completion(random, "choices", n=random.randrange(2, 5), temperature=1.0, seed=random.randrange(10**6))


def beams(random):
    # All four must fit into the cache at once, and cannot be streamed.
    case = completion(random, "beams", use_beam_search=True, best_of=4, n=2, temperature=0,
                      prompt=prompt_of(random, longest=1))
    case.body.pop("seed", None)
    case.stream = None
    return case


def guided(random):
    form = random.choice(({"guided_regex": "(yes|no), [a-z]{3,9}\\."}, {"guided_choice": ["a cat", "a dog"]},
                          {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}}))
    return chat(random, "guided", **form)


def scored(random):
    return completion(random, "scored", logprobs=random.randrange(0, 6))


MAKERS = (completion, chat, tgi, mindie, kserve, kserve_tensors, vllm, embedding, choices, beams, guided, scored)


def make_cases(random, count):
    """At least one of each kind, where `count` allows."""
    return [MAKERS[i % len(MAKERS)](random) for i in range(count)]
