"""A prompt as it is and its completion: P3/T0, FLAN's `inputs`/`targets`, metharme's `generation`."""

from collections.abc import Iterator, Mapping
from typing import Any

from tuneloom.ingest.formats import known
from tuneloom.ingest.row import Row
from tuneloom.ingest.turns import exchange
from tuneloom.records import Conversation

TASK_FROM_FILE = True  # P3 names its files <dataset>_<template>
_PROMPT = ("prompt", "inputs", "input")
_ANSWER = ("completion", "targets", "target", "generation", "response", "output")


def claims(row: Mapping[str, Any]) -> int:
    """{"prompt": "2+2=", "completion": "4"} -> 2"""
    return 0 if "instruction" in row else known(row, _PROMPT, _ANSWER)


def parse(row: Row) -> Iterator[Conversation]:
    """The above -> user "2+2=", assistant "4"; no fields: the prompt is all there is."""
    yield Conversation(exchange(row.text(*_PROMPT), row.text(*_ANSWER), row.text("system")))
