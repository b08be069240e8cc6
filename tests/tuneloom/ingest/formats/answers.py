"""Runs a row through a format as the stage does."""

from typing import Any

from tuneloom.ingest.checks import settle
from tuneloom.ingest.formats import formats
from tuneloom.ingest.row import Rejected, Row
from tuneloom.records import Conversation


def parsed(name: str, row: dict[str, Any]) -> tuple[list[Conversation | Rejected], dict[str, Any]]:
    """(settled conversations and rejections, what nobody claimed) of a row that the format claims."""
    assert formats()[name].claims(row) > 0
    source = Row(row)
    found = [one if isinstance(one, Rejected) else settle(one) for one in formats()[name].parse(source)]
    return found, source.rest()


def only(name: str, row: dict[str, Any]) -> Conversation:
    """The one conversation of a row."""
    (one,), _ = parsed(name, row)
    assert isinstance(one, Conversation)
    return one


def said(conversation: Conversation) -> list[tuple[str, str]]:
    """(role, content) of each message."""
    return [(message.role, message.content) for message in conversation.messages]
