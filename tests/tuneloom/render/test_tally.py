"""The stats of several slices are those of one."""

from itertools import pairwise

import numpy as np
import pyarrow as pa

from tests.tuneloom.render.templates import family
from tuneloom.models.token_row import TokenRow
from tuneloom.render.outcomes import Rendered, composed
from tuneloom.render.tally import Tally


def test_slices_add_up_whatever_their_cut():
    tokenizer, lengths = family("chatml"), [3, 70, 64, 5]
    rows = [TokenRow(str(n), np.arange(n, dtype=np.int32), (np.arange(n) % 2).astype(np.uint8)) for n in lengths]
    sides = ["train", "test", "train", "train"]
    told = []
    for cuts in ([0, 4], [0, 1, 3, 4]):
        tally = Tally()
        for a, b in pairwise(cuts):
            made = composed([[Rendered(row, trimmed=1)] for row in rows[a:b]], np.arange(b - a))
            names = pa.chunked_array([["zh", "en", None, "zh"][a:b]], pa.string())
            table = pa.table({"side": sides[a:b], "language": names, "task": names})
            kept = pa.table({"id": [row.id for row in rows[a:b]], "repeat": pa.array([2] * (b - a), pa.int32())})
            tally.add(table, made, kept)
        told.append(tally.stats(tokenizer))
    assert told[0] == told[1]
    assert told[0]["sides"]["train"] == {"rows": 3, "tokens": 72, "supervised": 1 + 32 + 2}
    assert told[0]["languages"] == {
        "(none)": {"rows": 1, "tokens": 64, "supervised": 32},
        "zh": {"rows": 2, "tokens": 8, "supervised": 3},
    }
    assert told[0]["lengths"] == {"0": 2, "64": 1}
    assert (tally.lengths.tolist(), tally.repeats.tolist()) == ([3, 64, 5], [2, 2, 2])
    assert told[0]["trimmed_messages"] == 4
    assert [row["id"] for row in told[0]["examples"]] == ["3", "64", "5"]
