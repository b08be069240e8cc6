"""OpenAssistant's trees and flat messages by their known answers."""

from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.tuneloom.ingest.formats.answers import parsed, said
from tuneloom.ingest.formats.openassistant import gather, parse
from tuneloom.ingest.readers import Line
from tuneloom.ingest.row import Rejected, Row
from tuneloom.records import Conversation


def message(name: str, *replies: dict[str, Any], role: str = "assistant", **more: Any) -> dict[str, Any]:
    return {"message_id": name, "text": f"{name}!", "role": role, "replies": list(replies), **more}


def tree(*replies: dict[str, Any], **more: Any) -> dict[str, Any]:
    prompt = message("q", *replies, role="prompter", parent_id=None, **more)
    return {"message_tree_id": "t", "tree_state": "ready_for_export", "prompt": prompt}


def beside(found: list[Conversation | Rejected]) -> list[tuple[str, str]]:
    return [
        (one.evidence.split(",")[0].removeprefix("message "), one.reason) for one in found if isinstance(one, Rejected)
    ]


def test_the_best_ranked_replies_are_the_conversation_and_every_other_message_is_told() -> None:
    thanks = message("thanks", message("welcome", rank=0), role="prompter", rank=1)
    row = tree(
        message("none", message("below", role="prompter")),
        message("gone", message("after", role="prompter"), rank=0, deleted=True),
        message("best", message("unanswered", role="prompter", rank=0), thanks, rank=1, labels={"name": ["quality"]}),
        message("worse", rank=2),
        lang="en-US",
    )
    found, rest = parsed("openassistant", row)
    one = found[0]
    assert isinstance(one, Conversation)
    assert said(one) == [("user", "q!"), ("assistant", "best!"), ("user", "thanks!"), ("assistant", "welcome!")]
    assert one.language == "en"
    assert sorted(beside(found)) == [
        ("after", "lower-ranked reply"), ("below", "lower-ranked reply"), ("gone", "deleted"),
        ("none", "lower-ranked reply"), ("unanswered", "lower-ranked reply"), ("worse", "lower-ranked reply"),
    ]  # fmt: skip
    assert (
        next(f.evidence for f in found if isinstance(f, Rejected) and "worse" in f.evidence) == "message worse, rank 2"
    )
    assert (rest["message_tree_id"], rest["messages[1].message_id"], rest["messages[1].labels"]) == (
        "t", "best", {"name": ["quality"]},
    )  # fmt: skip


def test_a_deleted_or_unanswered_question_leaves_no_conversation() -> None:
    found, _ = parsed("openassistant", tree(message("a"), deleted=True))
    assert beside(found) == [("q", "deleted"), ("a", "no answer")]
    assert beside(parsed("openassistant", tree())[0]) == [("q", "no answer")]
    assert beside(parsed("openassistant", tree(message("a", deleted=True)))[0]) == [
        ("q", "no answer"),
        ("a", "deleted"),
    ]


def flat(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The messages of a tree as one row each, parents first."""
    waiting = [(row["prompt"], None)]
    while waiting:
        node, parent = waiting.pop(0)
        waiting += [(reply, node["message_id"]) for reply in node["replies"]]
        plain = {name: value for name, value in node.items() if name != "replies"}
        yield {**plain, "parent_id": parent, "message_tree_id": row["message_tree_id"]}


def lines(*values: Any) -> list[Line]:
    return [Line(number, b"raw", value) for number, value in enumerate(values, 1)]


@given(order=st.permutations(range(6)))
def test_gathered_messages_are_the_tree_whatever_their_order(order: list[int]) -> None:
    row = tree(message("b", rank=1), message("a", message("c", message("d"), message("e"), role="prompter"), rank=0))
    messages = list(flat(row))
    (line,) = gather(iter(lines(*(messages[i] for i in order))))
    assert (line.raw, line.number) == (None, 1)
    known = [one for one in parse(Row(row)) if isinstance(one, Conversation)]
    found = list(parse(Row(line.value)))
    said_now = [m.content for one in found if isinstance(one, Conversation) for m in one.messages]
    assert said_now[:3] == [m.content for m in known[0].messages][:3] == ["q!", "a!", "c!"]
    assert len(found) == 1 + 2  # one conversation of four messages, two beside it


def test_an_orphan_is_a_row_of_its_own_and_other_lines_pass() -> None:
    messages = [
        m for m in flat(tree(message("a", message("b", message("c"), role="prompter")))) if m["message_id"] != "a"
    ]
    found = list(gather(iter(lines(7, *messages, {"x": 1}))))
    assert [(line.number, line.raw) for line in found] == [(1, b"raw"), (2, None), (3, None), (5, b"raw")]
    assert beside(list(parse(Row(found[1].value)))) == [("q", "no answer")]
    assert beside(list(parse(Row(found[2].value)))) == [("b", "parent missing"), ("c", "parent missing")]


def test_a_flat_message_alone_is_never_taken_for_a_conversation() -> None:
    question, answer = flat(tree(message("a")))
    assert beside(parsed("openassistant", question)[0]) == [("q", "no answer")]
    assert beside(parsed("openassistant", answer)[0]) == [("a", "parent missing")]


def test_a_repeated_id_and_a_circle_are_lines_of_their_own() -> None:
    question, answer = flat(tree(message("a")))
    circle = [{**answer, "message_id": "x", "parent_id": "y"}, {**answer, "message_id": "y", "parent_id": "x"}]
    values = [question, answer, answer, *circle, {**answer, "message_id": "z", "parent_id": "z"}]
    found = list(gather(iter(lines(*values))))
    assert [line.number for line in found] == [1, 3, 4, 5, 6]
    for line in found[1:]:
        assert [reason for _, reason in beside(list(parse(Row(line.value))))] == ["parent missing"]
