"""The safety policy: what becomes of unsafe answers and of toxic words, as the config says.

An unsafe request with an answer that declines stays, for it teaches declining. One whose answer complies is kept,
flagged, held for a person or rejected. Every exchange of a conversation is looked at, of rows to train alone.
"""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tuneloom.artifacts import MemoRows, Writer, no_memo
from tuneloom.config import Safety
from tuneloom.quality.doubts import ASKED_FILE
from tuneloom.quality.refusals import BOILERPLATE
from tuneloom.quality.tally import Tally
from tuneloom.quality.toxicity import JUDGE, LANGUAGES, toxicity
from tuneloom.quality.unsafe_requests import DECLINES, unsafe_only
from tuneloom.records import reject_rows

VERSION = "safety-1"
UNSAFE_MEMO, TOXIC_MEMO = f"unsafe-{VERSION}", f"toxicity-{VERSION}-{JUDGE}"
"""Names of the memos; what they hold changes with `VERSION`."""
UNSAFE_ANSWER, TOXIC = "unsafe answer", "toxic words"
_OPENING = 400
"""Characters of an answer in which it declines, where it does."""


@dataclass
class SafetyCheck:
    """Applies a policy table by table.

    check = SafetyCheck(writer, config.safety, tally)
    for table in tables: table = check.after(table)
    check.finish()
    """

    writer: Writer
    policy: Safety
    tally: Tally
    memo: MemoRows = no_memo
    found: dict[str, Counter[str]] = field(default_factory=lambda: {UNSAFE_ANSWER: Counter(), TOXIC: Counter()})
    refused: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list)

    def after(self, table: pa.Table) -> pa.Table:
        """The rows that go on, flagged where the policy says so; the others are rejected."""
        words = {UNSAFE_ANSWER: self.policy.unsafe_answer, TOXIC: self.policy.toxic}
        learns = np.array([use in (None, "train") for use in table["use"].to_pylist()], bool)
        if all(word == "keep" for word in words.values()) or not learns.any():
            return table
        unsafe, refused = self._unsafe(table)
        self.refused += int((refused & learns).sum())
        scores = self._scores(table)
        hits = {UNSAFE_ANSWER: unsafe & learns, TOXIC: (scores >= self.policy.toxic_from) & learns}
        for rule, word in words.items():
            self._note(rule, word, hits[rule], table)
        out = np.zeros(len(table), bool)
        for rule in (rule for rule, word in words.items() if word == "reject"):
            self._reject(table, hits[rule] & ~out, rule, scores)
            out |= hits[rule]
        flagged = {rule: hits[rule] for rule, word in words.items() if word in ("flag", "hold")}
        return _flag(table, flagged).filter(pa.array(~out))

    def finish(self) -> None:
        """Writes the ids that a person is to see, and what was found."""
        if self.asked:
            held = pa.table({"id": [id for id, _ in self.asked], "rule": [rule for _, rule in self.asked]})
            pq.write_table(held, self.writer.file(ASKED_FILE, rows=len(held)))
        self.writer.stats["safety"] = {
            "version": VERSION,
            "policy": self.policy.model_dump(mode="json"),
            "unsafe_requests_declined": self.refused,
            **{rule: dict(sorted(sources.items())) for rule, sources in self.found.items()},
            "toxicity_judges": list(LANGUAGES),
        }

    def _unsafe(self, table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
        """`unsafe_rows` of the table."""

        def make(positions: pa.Array) -> pa.Table:
            answered, declined = unsafe_rows(_exchanges(table.select(["messages"]).take(positions)), len(positions))
            return pa.table({"answered": answered, "declined": declined})

        known = self.memo(UNSAFE_MEMO, table["content_hash"], make)
        return _bools(known["answered"]), _bools(known["declined"])

    def _scores(self, table: pa.Table) -> np.ndarray:
        """Toxicity of what each row would teach, float64 (n,); 0 for languages that nobody judges."""
        scores = np.zeros(len(table))
        if self.policy.toxic == "keep":
            return scores
        places = np.flatnonzero(_bools(pc.is_in(table["language"], pa.array(LANGUAGES))))
        judged = table.select(["content_hash", "messages"]).take(pa.array(places))

        def make(positions: pa.Array) -> pa.Table:
            said = _exchanges(judged.take(positions))
            worst = np.zeros(len(positions))
            np.maximum.at(worst, said["row"].to_numpy(), toxicity(said["answer"].to_list()))
            return pa.table({"toxicity": worst})

        scores[places] = self.memo(TOXIC_MEMO, judged["content_hash"], make)["toxicity"].to_numpy()
        return scores

    def _note(self, rule: str, word: str, hits: np.ndarray, table: pa.Table) -> None:
        some = table.select(["id", "origin"]).filter(pa.array(hits)).to_pylist()
        if word != "keep":
            self.found[rule].update(row["origin"]["source"] for row in some)
        if word == "hold":
            self.asked += [(row["id"], rule) for row in some]

    def _reject(self, table: pa.Table, hits: np.ndarray, rule: str, scores: np.ndarray) -> None:
        toxic = rule == TOXIC
        details = [
            {"rule": rule, "version": VERSION}
            | ({"value": round(float(score), 4), "bound": self.policy.toxic_from} if toxic else {})
            for score in scores[hits]
        ]
        out = table.filter(pa.array(hits))
        self.writer.reject(reject_rows(out, rule, details))
        self.tally.reject([rule] * len(out), out["side"].to_pylist())


def unsafe_rows(exchanges: pl.DataFrame, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Of `count` rows, bool (count,) each: those with an unsafe request that was answered, and those that declined one.

    `exchanges` has a row for each learnt answer: `row`, `request`, `answer`.
    """
    opening = pl.col("answer").str.slice(0, _OPENING)
    declines = opening.str.contains(DECLINES) | pl.col("answer").str.contains(BOILERPLATE)
    unsafe = unsafe_only(exchanges).select("row", declines=declines)
    answered, declined = np.zeros(count, bool), np.zeros(count, bool)
    answered[unsafe.filter(~pl.col("declines"))["row"].to_numpy()] = True
    declined[unsafe.filter("declines")["row"].to_numpy()] = True
    return answered, declined


def _exchanges(table: pa.Table) -> pl.DataFrame:
    """Each learnt answer with the last request before it; `row` counts from 0."""
    messages = pl.DataFrame({"row": pl.Series(range(len(table)), dtype=pl.UInt32)}).with_columns(
        messages=pl.Series("messages", pl.from_arrow(table["messages"]))
    )
    turns = (
        messages.explode("messages")
        .select("row", pl.col("messages").struct.unnest())
        .with_columns(request=pl.when(pl.col("role") == "user").then("content").forward_fill().over("row"))
    )
    learnt = (pl.col("role") == "assistant") & (pl.col("weight").fill_null(1) != 0)
    return turns.filter(learnt).select("row", pl.col("request").fill_null(""), answer=pl.col("content").fill_null(""))


def _bools(column: pa.ChunkedArray) -> np.ndarray:
    """bool (n,)."""
    return column.to_numpy().astype(bool)


def _flag(table: pa.Table, hits: dict[str, np.ndarray]) -> pa.Table:
    """The table with each rule's name among the flags of its rows."""
    if not any(some.any() for some in hits.values()):
        return table
    flags = table["flags"].to_pylist()
    for rule, some in hits.items():
        for index in np.flatnonzero(some):
            flags[index] = [*(flags[index] or []), rule]
    place = table.column_names.index("flags")
    return table.set_column(place, table.schema.field("flags"), pa.array(flags, table.schema.field("flags").type))
