"""OpenAssistant trees: {"message_tree_id", "prompt": {"text", "role", "replies": [...]}}, or one message a row.

The best path is the conversation: from each message on to its reply of the lowest rank, never one that was deleted or
that its reviewers turned down, an assistant's last. Every message beside it is rejected on its own, with its id and
rank.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tuneloom.ingest.formats import known
from tuneloom.ingest.languages import language_code
from tuneloom.ingest.readers import Line
from tuneloom.ingest.row import Rejected, Row
from tuneloom.ingest.turns import conversation_turns
from tuneloom.records import Conversation

Node = Mapping[str, Any]


def claims(row: Mapping[str, Any]) -> int:
    """{"message_tree_id": "t", "prompt": {"text": "Hi", "replies": []}} -> 2; a flat message -> its keys"""
    if isinstance(row.get("prompt"), dict):
        return known(row, "message_tree_id", "prompt", also=("tree_state",))
    return known(row, "message_id", "parent_id", "role", "text", also=("message_tree_id", "rank", "deleted"))


def gather(lines: Iterator[Line]) -> Iterator[Line]:
    """Flat messages as one row a tree, numbered by the tree's first line; all else passes as it is.

    The whole file is held in memory, for a tree's messages may lie anywhere in it. A message whose parent is not in
    the file begins a row of its own, which is rejected.
    """
    trees: dict[Any, dict[str, Line]] = {}
    rows: list[Line] = []
    for line in lines:
        value = line.value
        if not isinstance(value, dict) or "parent_id" not in value or not isinstance(value.get("message_id"), str):
            rows.append(line)
        elif trees.setdefault(value.get("message_tree_id"), {}).setdefault(value["message_id"], line) is not line:
            rows.append(line)  # the second of one id
    for identity, messages in trees.items():
        rows += _rows(identity, messages)
    yield from sorted(rows, key=lambda line: line.number)


def parse(row: Row) -> Iterator[Conversation | Rejected]:
    """{"prompt": {"text": "Hi", "role": "prompter", "replies": [{"text": "Hello", "role": "assistant", "rank": 0},
    {"text": "Go.", "role": "assistant", "rank": 1}]}} -> user "Hi", assistant "Hello"; Rejected("lower-ranked reply").
    """
    root = row.take("prompt")
    if root is None:  # a flat message that nothing gathered
        root = {name: row.take(name) for name in ("message_id", "parent_id", "role", "text", "rank", "deleted")}
    if not isinstance(root, Mapping):
        raise Rejected("wrong type", "prompt", root, "the first message of a tree belongs here")
    if root.get("parent_id"):
        yield from (_beside(node, "parent missing") for node in _below(root))
        return
    path = _best_path(root)
    chosen = {id(node) for node in path}
    if path:
        plain = [{name: value for name, value in node.items() if name not in _TREE} for node in path]
        turns = conversation_turns(plain, "messages", row.flags, row.meta)
        synthetic = any(node.get("synthetic") is True for node in path)
        yield Conversation(turns, language=language_code(root.get("lang")), synthetic=synthetic)
    for node in _below(root):
        if id(node) not in chosen:
            yield _beside(node, _is_out(node) or ("lower-ranked reply" if path else "no answer"))


_TREE = ("replies", "parent_id", "deleted")


def _rows(identity: Any, messages: Mapping[str, Line]) -> Iterator[Line]:
    """The trees that messages of one tree id make: one, and one for each message whose parent is missing; those that
    answer each other in a circle stay lines of their own."""
    nodes = {name: {**line.value, "replies": []} for name, line in messages.items()}
    lost = set(nodes)
    for name, node in nodes.items():
        if node["parent_id"] in nodes and node["parent_id"] != name:
            nodes[node["parent_id"]]["replies"].append(node)
    for node in nodes.values():
        if node["parent_id"] not in nodes:
            below = {message["message_id"] for message in _below(node)}
            lost -= below
            number = min(messages[message].number for message in below)
            yield Line(number, None, {"message_tree_id": identity, "prompt": node})
    yield from (messages[name] for name in lost)


def _best_path(root: Node) -> list[Node]:
    """From the root on by rank to the last assistant's message; [] where the root is deleted or unanswered."""
    path, node = [], None if _is_out(root) else root
    while node is not None:
        path.append(node)
        replies = [reply for reply in _replies(node) if not _is_out(reply)]
        if node.get("role") == "assistant":  # a question leads on where it was answered
            replies = [reply for reply in replies if any(not _is_out(below) for below in _replies(reply))]
        node = min(replies, key=_rank, default=None)
    return path if len(path) > 1 else []


def _is_out(node: Node) -> str | None:
    """Why a message can be on no path: it was deleted, or its reviewers turned it down (spam)."""
    return "deleted" if node.get("deleted") else "labelled bad" if node.get("review_result") is False else None


def _rank(node: Node) -> tuple[bool, float]:
    rank = node.get("rank")
    return (False, rank) if isinstance(rank, int | float) else (True, 0)


def _replies(node: Node) -> list[Node]:
    replies = node.get("replies")
    return [reply for reply in replies if isinstance(reply, Mapping)] if isinstance(replies, list) else []


def _below(root: Node) -> Iterator[Node]:
    """The message and all below it, parents first."""
    waiting = [root]
    while waiting:
        node = waiting.pop(0)
        yield node
        waiting += _replies(node)


def _beside(node: Node, reason: str) -> Rejected:
    evidence = f"message {node.get('message_id')}, rank {node.get('rank')}"
    return Rejected(reason, "text", node.get("text"), evidence, {k: v for k, v in node.items() if k != "replies"})
