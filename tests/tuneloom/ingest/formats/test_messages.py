"""OpenAI messages by their known answer."""

from tests.tuneloom.ingest.formats.answers import parsed, said


def test_messages_with_parts_weights_and_tools() -> None:
    row = {
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
            {"role": "assistant", "content": "Hm", "weight": 0},
            {"role": "user", "content": "Well?"},
            {"role": "assistant", "content": "Hello", "reasoning_content": "Greet."},
        ],
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "source": "x",
    }
    (one,), rest = parsed("messages", row)
    assert said(one) == [("user", "Hi"), ("assistant", "Hm"), ("user", "Well?"), ("assistant", "Hello")]
    assert [message.weight for message in one.messages] == [1, 0, 1, 1]
    assert (one.messages[3].reasoning, one.tools) == ("Greet.", '[{"type": "function", "function": {"name": "f"}}]')
    assert rest == {"source": "x"}
