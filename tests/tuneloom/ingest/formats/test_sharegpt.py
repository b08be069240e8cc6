"""ShareGPT by its known answer."""

from tests.tuneloom.ingest.formats.answers import parsed, said


def test_turns_tools_and_system() -> None:
    row = {
        "id": "a",
        "system": "Use tools.",
        "tools": '[{"name": "f"}]',
        "conversations": [
            {"from": "human", "value": "Weather?"},
            {"from": "function_call", "value": '{"name": "f"}'},
            {"from": "observation", "value": "sun"},
            {"from": "gpt", "value": "Sunny."},
        ],
    }
    (one,), rest = parsed("sharegpt", row)
    assert said(one) == [
        ("system", "Use tools."), ("user", "Weather?"), ("assistant", ""), ("tool", "sun"), ("assistant", "Sunny."),
    ]  # fmt: skip
    assert (one.messages[2].tool_calls, one.tools, rest) == ('[{"name": "f"}]', '[{"name": "f"}]', {"id": "a"})
