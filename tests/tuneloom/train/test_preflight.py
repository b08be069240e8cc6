"""Rows that would teach wrongly stop the training before it starts, and are named."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tiny_seq2seq import make_tiny_t5
from tests.tuneloom.render.build import mixture, rendered, talk
from tuneloom.artifacts import Artifact, Spec, Store, Writer
from tuneloom.errors import BrokenArtifact, TrainingError
from tuneloom.models.load import load_tokenizer
from tuneloom.models.token_row import TokenRow
from tuneloom.render.shards import SHARDS, read_rows
from tuneloom.suites import Suite
from tuneloom.train.preflight import Begin, _beginning_twice, begin_of, check_rows, check_suites, shown

BEGIN, END = 1, 2
"""<|im_start|> and <|im_end|> of the tiny model."""
WHOLE = TokenRow("whole", np.array([BEGIN, 7, END, BEGIN, 8, END, 9]), np.array([0, 0, 0, 0, 1, 1, 0], np.uint8))


def shards_of(store: Path, rows: Sequence[TokenRow]) -> Artifact:
    """A render artifact that holds these very rows, whatever render would say of them."""
    table = pa.table(
        {
            "id": [row.id for row in rows],
            "origin": [{"source": "s", "file": "f", "row": 1, "part": 0}] * len(rows),
            "ids": [row.ids.tolist() for row in rows],
            "learnt": [runs(row.loss_mask) for row in rows],
            "repeat": [1] * len(rows),
            "template": [None] * len(rows),
            "exemplars": [[]] * len(rows),
        },
        schema=SHARDS,
    )

    def write(writer: Writer) -> None:
        with pa.ipc.new_file(str(writer.file("shards/train-00000.arrow", len(rows))), SHARDS) as stream:
            stream.write_table(table)
        writer.count(rows_in=len(rows), rows_out=len(rows))

    return Store(store).ensure(Spec("render", "code", config={"too_long": "truncate"}), write)


def runs(loss_mask: np.ndarray) -> list[dict[str, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], loss_mask, [0]]).astype(int)))
    return [{"start": int(a), "end": int(b)} for a, b in zip(edges[::2], edges[1::2], strict=True)]


def row(name: str, ids: Sequence[int], loss_mask: Sequence[int]) -> TokenRow:
    return TokenRow(name, np.array(ids, np.int32), np.array(loss_mask, np.uint8))


def test_rows_that_render_made_pass_and_what_was_too_long_is_counted(tiny_model: Path, tmp_path: Path) -> None:
    talks = [talk("Hi", "Yo"), talk("One?", "1", "Two?", "2"), talk("Long " * 60, "no")]
    shards = rendered(tmp_path, mixture(tmp_path, [("train", one) for one in talks]), tiny_model, 64)
    (line,) = check_rows(shards, load_tokenizer(tiny_model), {END})
    assert line == (
        "  2 rows checked: each has tokens to learn, each answer its end (<|im_end|>), none begins twice; "
        "no answer is cut (render.too_long: reject; 1 rejected)"
    )


def test_an_encoder_decoders_rows_pass(tmp_path: Path) -> None:
    folder = make_tiny_t5(tmp_path / "t5")
    tokenizer = load_tokenizer(folder)
    shards = rendered(tmp_path, mixture(tmp_path, [("train", talk("What is it?", "the one"))]), folder)
    assert check_rows(shards, tokenizer, {tokenizer.eos_token_id})
    assert shown(read_rows(shards, "train")[0], tokenizer).endswith("What is it?</s>«the one</s>»")


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (row("bad", [BEGIN, 7, END], [0, 0, 0]), "have no token to learn"),
        (row("bad", [7, 8, END], [1, 0, 0]), "have no token to learn"),
        (row("bad", [BEGIN, 7, 8], [0, 1, 1]), "have an answer without its end"),
        (row("bad", [BEGIN, 7, END], [0, 1, 0]), "have an answer without its end"),
        (row("bad", [BEGIN, 7, 8, END, 7, END], [0, 1, 0, 0, 1, 1]), "have an answer without its end"),
        (row("bad", [BEGIN, BEGIN, 7, END], [0, 0, 1, 1]), "begin twice"),
    ],
)
def test_a_row_that_would_teach_wrongly_stops_the_training(
    tiny_model: Path, tmp_path: Path, bad: TokenRow, told: str
) -> None:
    tokenizer = load_tokenizer(tiny_model)
    assert check_rows(shards_of(tmp_path / "good", [WHOLE]), tokenizer, {END})
    with pytest.raises(TrainingError, match=f"1 of 2 training rows {told}") as caught:
        check_rows(shards_of(tmp_path / "bad", [WHOLE, bad]), tokenizer, {END})
    assert caught.value.where == "rows bad"


def test_an_end_at_which_generation_would_not_stop_is_none(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="at which generation would not stop"):
        check_rows(shards_of(tmp_path, [WHOLE]), load_tokenizer(tiny_model), {0})


def test_a_begin_token_that_a_template_writes_once_may_stand_once_in_a_row(tiny_model: Path) -> None:
    tokenizer = load_tokenizer(tiny_model)
    assert begin_of(tokenizer) == Begin(BEGIN, every_turn=True)
    tokenizer.chat_template = "{{ bos_token }}" + tokenizer.chat_template.replace("<|im_start|>", "[")
    assert begin_of(tokenizer) == Begin(BEGIN, every_turn=False)
    tokens, bounds = np.array([1, 7, 1, 7, 1, 7, 7]), np.array([0, 4, 7])
    assert _beginning_twice(tokens, bounds, Begin(1, every_turn=False)).tolist() == [0]
    assert _beginning_twice(tokens, bounds, Begin(1, every_turn=True)).tolist() == []


@given(st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=6), min_size=1, max_size=6))
def test_two_begin_tokens_side_by_side_are_found_in_their_row(rows: list[list[int]]) -> None:
    bounds = np.cumsum([0, *map(len, rows)])
    found = _beginning_twice(np.concatenate([np.array(one) for one in rows]), bounds, Begin(1, every_turn=True))
    assert found.tolist() == [n for n, one in enumerate(rows) if (1, 1) in pairwise(one)]


def test_a_row_is_shown_with_what_is_learnt_and_without_personal_data(tiny_model: Path, tmp_path: Path) -> None:
    talks = [("train", talk("Mail?\nQuick", "jane@corp.org"))]
    rows = read_rows(rendered(tmp_path, mixture(tmp_path, talks), tiny_model), "train")
    assert shown(rows[0], load_tokenizer(tiny_model)) == (
        "  a row, what is learnt in «»: <|im_start|>user\\nMail?\\nQuick<|im_end|>\\n"
        "<|im_start|>assistant\\n«<EMAIL><|im_end|>»\\n"
    )


def test_a_long_row_is_cut_for_showing(tiny_model: Path) -> None:
    long = row("long", [40] * 2000, [0] * 1000 + [1] * 1000)
    assert len(shown(long, load_tokenizer(tiny_model))) < 700


def decontaminated(store: Path, **stats: Any) -> Artifact:
    return Store(store).ensure(Spec("decontaminate", "code"), lambda writer: writer.stats.update(stats))


def test_suites_that_decontamination_did_not_see_stop_the_training(tmp_path: Path) -> None:
    from tuneloom.suites import load_suites

    suites: list[Suite] = [suite for suite in load_suites(("mood_en", "arithmetic_zh"), tmp_path) if suite.rows]
    asked = sum(len(suite.rows) for suite in suites)
    assert asked
    assert check_suites(decontaminated(tmp_path / "none", protected=0), []) is None
    with pytest.raises(BrokenArtifact, match=f"saw 0 evaluation rows, of {asked}"):
        check_suites(decontaminated(tmp_path / "zero", protected=0), suites)
    assert f"{asked} evaluation rows" in (check_suites(decontaminated(tmp_path / "all", protected=asked), suites) or "")
    assert "is off" in (check_suites(decontaminated(tmp_path / "off", protected=None), suites) or "")
