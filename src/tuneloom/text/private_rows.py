"""Personal data in rows: every text of a conversation masked, wherever it stands.

An Arrow scan with one plain pattern finds the few rows that may hold any; only those are taken apart in Python, and of
these the ones that held none are remembered.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from tuneloom.artifacts import MemoRows, no_memo
from tuneloom.records import Conversation, Message, canonical, content_digest, digest
from tuneloom.text.personal_data import KINDS_DIGEST, MAY_HOLD, find, put_marks, without_escapes

FLAG = "personal data masked"
TEXTS = (
    "messages", "fields", "examples", "tools", "references", "choices", "task", "category", "license", "meta"
)  # fmt: skip
"""Columns that hold what people wrote."""

MEMO = f"no-personal-data-v2-{KINDS_DIGEST}"
"""Name of the memo; count the version up whenever what is found changes with the same patterns."""

_JSON = {"tools", "tool_calls", "meta"}
"""Texts that are JSON: their strings are masked one by one, so that they stay JSON."""


@dataclass(frozen=True)
class Masked:
    """A table split in two: rows as they were, rows with marks in place of personal data, and what those held."""

    clean: pa.Table
    masked: pa.Table
    findings: list[dict[str, int]]
    """Of each masked row, how often each kind occurred: `{"email": 2}`."""
    first: int
    """How many of the masked rows no mask had changed before."""


def mask_rows(table: pa.Table, memo: MemoRows = no_memo) -> Masked:
    """Masks rows of schema `ROWS` (and columns that later stages added); masked ones get a new `content_hash`."""
    places = sorted({row for name in TEXTS for row in _matches(table[name].combine_chunks()).tolist()})
    some = table.take(pa.array(places, pa.int64()))
    suspects = [_Suspect(row) for row in some.to_pylist()]
    known = memo(MEMO, some["content_hash"], lambda numbers: _clean_texts(suspects, numbers.to_pylist()))
    touched, findings, rows, first = [], [], [], 0
    for index, suspect, clean in zip(places, suspects, known["clean"].to_pylist(), strict=True):
        if clean != suspect.text and suspect.found:
            touched.append(index)
            first += FLAG not in (suspect.row["flags"] or [])
            findings.append(dict(sorted(suspect.found.items())))
            rows.append(_edited({**suspect.row, **suspect.said}))
    keep = np.ones(len(table), bool)
    keep[touched] = False
    return Masked(table.filter(pa.array(keep)), pa.Table.from_pylist(rows, schema=table.schema), findings, first)


class _Suspect:
    """A row that may hold personal data, looked at when it is asked for."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.row = row
        self.text = digest(orjson.dumps([row[name] for name in TEXTS]))  # says more than `content_hash`: meta, fields
        self._looked: tuple[Counter[str], dict[str, Any]] | None = None

    @property
    def found(self) -> Counter[str]:
        """How often each kind occurs."""
        return self._look()[0]

    @property
    def said(self) -> Mapping[str, Any]:
        """Its `TEXTS`, masked."""
        return self._look()[1]

    def _look(self) -> tuple[Counter[str], dict[str, Any]]:
        if self._looked is None:
            found: Counter[str] = Counter()
            said = {name: _mask_value(self.row[name], found, name in _JSON) for name in TEXTS}
            self._looked = found, said
        return self._looked


def _clean_texts(suspects: list[_Suspect], numbers: list[int]) -> pa.Table:
    """`clean`: the digest of a row's texts where they hold no personal data; of others nothing is kept."""
    texts = [None if suspects[n].found else suspects[n].text for n in numbers]
    return pa.table({"clean": pa.array(texts, pa.string())})


def _edited(row: dict[str, Any]) -> dict[str, Any]:
    said = Conversation(
        messages=tuple(Message(**message) for message in row["messages"]),
        tools=row["tools"],
        references=tuple(row["references"] or ()),
        choices=tuple(row["choices"] or ()),
    )
    flags = [*(row["flags"] or []), *([] if FLAG in (row["flags"] or []) else [FLAG])]
    return {**row, "content_hash": content_digest(said), "flags": flags}


def _mask_value(value: Any, found: Counter[str], is_json: bool = False) -> Any:
    """The value with every text in it masked, kinds added to `found`: `{"to": "a@b.org"}` -> `{"to": "<EMAIL>"}`."""
    if isinstance(value, str):
        return _mask_text(_mask_json(value, found) if is_json else value, found)
    if isinstance(value, dict):
        return {_mask_text(key, found): _mask_value(inner, found, key in _JSON) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_mask_value(inner, found) for inner in value)
    if isinstance(value, int) and abs(value) > 10**9:  # a number may be a phone's or a card's
        masked = _mask_text(str(value), found)
        return value if masked == str(value) else masked
    return value


def _mask_text(text: str, found: Counter[str]) -> str:
    """JSON within JSON, as the arguments of a tool call are, is taken apart again: an escape is no letter."""
    if text[:1] in ("{", "["):
        text = _mask_json(text, found)
    for look in (without_escapes, str) if "\\" in text else (str,):
        findings = find(look(text))
        found.update(finding.kind for finding in findings)
        text = put_marks(text, findings)
    return text


def _mask_json(text: str, found: Counter[str]) -> str:
    """The text with the strings in it masked where it is JSON; else as it was."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    before = found.total()
    masked = _mask_value(value, found)
    return text if found.total() == before else canonical(masked)


def _matches(array: pa.Array) -> np.ndarray:
    """Indices, int64 (n,), of the elements of a nested array that hold a text with a match; some more than once."""
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        return np.flatnonzero(pc.match_substring_regex(array, MAY_HOLD.pattern).fill_null(False))
    if pa.types.is_struct(array.type):
        return np.concatenate([_matches(pc.struct_field(array, [n])) for n in range(array.type.num_fields)])
    if pa.types.is_map(array.type):
        pairs = (
            pa.ListArray.from_arrays(array.offsets, array.items),
            pa.ListArray.from_arrays(array.offsets, array.keys),
        )
        return np.concatenate([_matches(part) for part in pairs])
    if pa.types.is_list(array.type):
        parents = pc.list_parent_indices(array).to_numpy()
        return parents[_matches(pc.list_flatten(array))]
    return np.zeros(0, np.int64)
