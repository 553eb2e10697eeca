"""Renders templates with the original jinja2, as transformers configures it, into tests/fixtures/jinja/.

Run by hand in the reference environment:  .venv-reference/bin/python tests/reference/make_jinja_fixtures.py

  snippets.json       the small templates of snippets.py beside it, with their text or the fact that they fail
  conversations.json  the conversations that every chat template is rendered with
  rendered.json       what our own templates (the *.jinja files beside it) make of them
  shared.json         what the templates in ../shared/chat_templates make of them (only the results are stored)
"""

import datetime
import json
import pathlib
import sys

import jinja2
from transformers.utils import chat_template_utils

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "fixtures" / "jinja"
sys.path.insert(0, str(FIXTURES))
from snippets import SNIPPETS, VARIABLES  # noqa: E402

SHARED = ROOT.parent / "shared" / "chat_templates"
TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
NOW = datetime.datetime(2024, 7, 6, 15, 4, 5)


class FixedClock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


chat_template_utils.datetime = FixedClock

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city <now> & \"later\"",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "城市"}, "days": {"type": "integer"}},
            "required": ["city"],
        },
        "return": {"type": "string"},
    },
}
CLOCK = {"type": "function", "function": {"name": "now", "description": "The time", "parameters": {}}}


def say(role, content, **more):
    return {"role": role, "content": content, **more}


def calls(*functions, **more):
    listed = [
        {"type": "function", "id": f"call{i:05d}", "function": {"name": name, "arguments": arguments}}
        for i, (name, arguments) in enumerate(functions)
    ]
    return {"role": "assistant", "tool_calls": listed, **more}


ONE_CALL = [
    say("user", "How is Berlin?"),
    calls(("get_weather", {"city": "Berlin", "days": 2, "exact": True, "unit": None, "x": 1.5})),
    say("tool", "rain\n12 °C", tool_call_id="call00000", name="get_weather"),
    say("assistant", "It rains."),
    say("user", "And now?"),
]

CONVERSATIONS = {
    "user": {"messages": [say("user", "Hello")]},
    "system": {"messages": [say("system", " Be brief.\n"), say("user", "  Hello  ")]},
    "turns": {
        "messages": [
            say("system", "Be kind."),
            say("user", "One?"),
            say("assistant", " Two. "),
            say("user", "Three?"),
            say("assistant", "Four."),
            say("user", "Five?"),
        ]
    },
    "turns without system": {"messages": [say("user", "a"), say("assistant", "b"), say("user", "c")]},
    "ends with assistant": {"messages": [say("user", "a"), say("assistant", "b")]},
    "chinese and emoji": {
        "messages": [
            say("system", "你是一个有用的助手。"),
            say("user", "从前有一只小猫🐱,它叫什么?"),
            say("assistant", "它叫“咪咪”。👩‍👩‍👧"),
            say("user", "ÄÖÜß straße\t\u00a0 ok"),
        ]
    },
    "tools": {"messages": [say("system", "S"), say("user", "Weather?")], "tools": [WEATHER, CLOCK]},
    "tools without system": {"messages": [say("user", "Weather?")], "tools": [WEATHER]},
    "tool call": {"messages": ONE_CALL, "tools": [WEATHER]},
    "tool call with system": {"messages": [say("system", "S"), *ONE_CALL], "tools": [WEATHER]},
    "tool call without tools": {"messages": ONE_CALL},
    "two tool calls": {
        "messages": [
            say("user", "Two cities"),
            calls(("get_weather", {"city": "A"}), ("get_weather", {"city": "北京"}), content="Wait."),
            say("tool", "1", tool_call_id="call00000"),
            say("tool", "2", tool_call_id="call00001"),
        ],
        "tools": [WEATHER],
    },
    "tool result as data": {
        "messages": [
            say("user", "x"),
            calls(("now", {})),
            say("tool", {"content": {"hour": 3, "名": ["a", None, False]}}, tool_call_id="call00000"),
        ],
        "tools": [CLOCK],
    },
    "short call id": {
        "messages": [
            say("user", "x"),
            {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "now", "arguments": {}}}]},
        ]
    },
    "arguments as text": {"messages": [say("user", "x"), calls(("now", '{"a": 1}'))]},
    "parts": {
        "messages": [
            say("user", [{"type": "text", "text": "first"}, {"type": "image"}, {"type": "text", "text": "second"}])
        ]
    },
    "reasoning": {
        "messages": [
            say("user", "x"),
            say("assistant", "<think>\nhm\n</think>\n\nyes"),
            say("user", "y"),
            say("assistant", "no", reasoning="because"),
        ]
    },
    "no content": {"messages": [say("user", None)]},
    "missing content": {"messages": [{"role": "user"}]},
    "two users": {"messages": [say("user", "a"), say("user", "b")]},
    "assistant first": {"messages": [say("assistant", "a"), say("user", "b")]},
    "unknown role": {"messages": [say("user", "a"), say("critic", "b")]},
    "system only": {"messages": [say("system", "a")]},
    "tools for system only": {"messages": [say("system", "a")], "tools": [CLOCK]},
    "nothing": {"messages": []},
    "code": {"messages": [say("user", "{{ x }} {% if %} {# c #}\r\n\\n 'q' \"d\" </s>")]},
    "variables": {
        "messages": [say("user", "a")],
        "variables": {"date_string": "1 Jan 2020", "bos_token": "<B>", "tools_in_user_message": False},
        "tools": [CLOCK],
    },
    "builtin tools": {
        "messages": [
            say("user", "search"),
            calls(("brave_search", {"query": "a \"b\""})),
            say("ipython", [1, {"a": "b"}]),
        ],
        "variables": {"builtin_tools": ["brave_search", "code_interpreter"]},
    },
}


def outcome(render):
    """The text, or what failed: the words of raise_exception are kept, other messages are Python's own."""
    try:
        return {"text": render()}
    except jinja2.exceptions.TemplateError as error:
        raised = type(error) is jinja2.exceptions.TemplateError
        return {"error": str(error) if raised else None, "python": f"{type(error).__name__}: {error}"}
    except Exception as error:  # whatever Python raises on the template's behalf is a failure of the template
        return {"error": None, "python": f"{type(error).__name__}: {error}"}


def render_chat(template, conversation, add_generation_prompt):
    given = dict(conversation)
    variables = {**TOKENS, **given.pop("variables", {})}
    rendered, _ = chat_template_utils.render_jinja_template(
        conversations=[given["messages"]],
        tools=given.get("tools"),
        chat_template=template,
        add_generation_prompt=add_generation_prompt,
        **variables,
    )
    return rendered[0]


def render_all(folder):
    results = {}
    for path in sorted(folder.glob("*.jinja")):
        template = path.read_text(encoding="utf-8")
        results[path.name] = {
            name: {
                key: outcome(lambda: render_chat(template, conversation, prompt))
                for key, prompt in (("plain", False), ("prompt", True))
            }
            for name, conversation in CONVERSATIONS.items()
        }
    return results


def render_snippet(source):
    # The cache of transformers would hold every snippet; the function below it does not.
    template = chat_template_utils._cached_compile_jinja_template(source)
    return template.render(**VARIABLES)


def write(name, value):
    text = json.dumps(value, ensure_ascii=False, indent=1) + "\n"
    (FIXTURES / name).write_text(text, encoding="utf-8")


def main():
    sources = [source for group in SNIPPETS.values() for source in group]
    assert len(sources) == len(set(sources)), "a snippet is there twice"
    snippets = [
        {"feature": feature, "template": source, **outcome(lambda: render_snippet(source))}
        for feature, group in SNIPPETS.items()
        for source in group
    ]
    write("snippets.json", {"variables": VARIABLES, "snippets": snippets})
    write("conversations.json", {"tokens": TOKENS, "conversations": CONVERSATIONS})
    write("rendered.json", render_all(FIXTURES))
    if SHARED.is_dir():
        write("shared.json", render_all(SHARED))
    failed = sum("error" in snippet for snippet in snippets)
    print(f"{len(snippets)} snippets, of which {failed} fail; jinja2 {jinja2.__version__}", file=sys.stderr)


if __name__ == "__main__":
    main()
