"""Messages out of Arrow are what `to_pylist` gives, without what no message has."""

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tuneloom.records import Conversation, Message, Origin, to_table
from tuneloom.render.messages import message_dicts

MESSAGES = st.builds(
    Message,
    role=st.sampled_from(["user", "assistant", "system"]),
    content=st.text(max_size=3),
    name=st.none() | st.just("Bo"),
    reasoning=st.none() | st.text(min_size=1, max_size=3),
    weight=st.sampled_from([0, 1]),
)


@given(talks=st.lists(st.lists(MESSAGES, min_size=1, max_size=3), max_size=4), start=st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_messages_of_any_slice_come_out_as_they_are(talks, start):
    rows = ((Origin("s", "f", n), Conversation(tuple(talk))) for n, talk in enumerate(talks, start=1))
    column = pa.chunked_array(to_table(rows)["messages"]).slice(start)
    found = message_dicts(column)
    want = column.to_pylist()
    assert [
        [{**dict.fromkeys(w), **f} for f, w in zip(a, b, strict=True)] for a, b in zip(found, want, strict=True)
    ] == want


def test_what_no_message_has_is_left_out():
    column = to_table([(Origin("s", "f", 1), Conversation((Message("user", "Hi"),)))])["messages"]
    assert message_dicts(column) == [[{"role": "user", "content": "Hi", "weight": 1}]]
