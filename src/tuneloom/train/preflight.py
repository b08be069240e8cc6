"""What is proven of the data before the first step, from the finished shards alone; it trusts no stage before.

Each row has a token to learn and each of its answers the end at which generation stops, learnt; a row begins once. An
answer is never cut: rows that are too long are rejected, or lose whole turns (`render.too_long`), and are counted. One
row is shown as the model sees it.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tuneloom.artifacts import Artifact
from tuneloom.errors import BrokenArtifact, TrainingError
from tuneloom.models.token_row import TokenRow, learnt_runs
from tuneloom.suites import Suite
from tuneloom.text.personal_data import mask

NAMED = 5
SHOWN = 600
"""Characters of the row that is shown."""
_TALK = [{"role": role, "content": "a"} for role in ("user", "assistant", "user", "assistant")]


@dataclass(frozen=True)
class Begin:
    """The token that a row begins with, and whether the template writes it before each turn (as ChatML models do)."""

    token: int | None
    every_turn: bool


def begin_of(tokenizer: Any) -> Begin:
    """SmolLM2: `Begin(1, True)`, for its begin token opens every turn; Llama 3: `Begin(128000, False)`."""
    token = tokenizer.bos_token_id
    if token is None or not tokenizer.chat_template:
        return Begin(token, every_turn=True)
    text = tokenizer.apply_chat_template(_TALK, tokenize=False)
    return Begin(token, text.count(tokenizer.bos_token) > 1)


def check_rows(shards: Artifact, tokenizer: Any, stops: Collection[int]) -> list[str]:
    """Proves the training rows of a render artifact; lines that say so. `stops` are the ids that end an answer.

    Raises TrainingError naming rows that would teach wrongly.
    """
    begin = begin_of(tokenizer)
    count, faults = 0, dict[str, list[str]]()
    for path in shards.files("shards/train-"):
        reader = pa.ipc.open_file(pa.memory_map(str(path)))
        for number in range(reader.num_record_batches):
            batch = reader.get_batch(number)
            count += len(batch)
            for fault, places in _faults(batch, begin, stops):
                faults.setdefault(fault, []).extend(batch["id"].take(pa.array(places)).to_pylist())
    for fault, ids in faults.items():
        more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
        raise TrainingError(
            f"{len(ids)} of {count} training rows {fault}",
            where=f"rows {', '.join(ids[:NAMED])}{more}",
            remedy="Learnt so, they would harm; look at them (tuneloom trace) and at the model's chat template.",
        )
    ends = ", ".join(tokenizer.convert_ids_to_tokens(sorted(stops)))
    once = "" if begin.token is None else ", none begins twice"
    told = f"{count:,} rows checked: each has tokens to learn, each answer its end ({ends}){once}"
    return [f"  {told}; {_too_long(shards)}"]


def shown(row: TokenRow, tokenizer: Any) -> str:
    """One row as the model sees it, what is learnt in «»; personal data masked, and cut for showing.

    `<|im_start|>user\\nHi<|im_end|>\\n<|im_start|>assistant\\n«Yo<|im_end|>»\\n`, line breaks as `\\n`.
    """
    text, done = "", 0
    for start, end in learnt_runs(row.loss_mask):
        text += tokenizer.decode(row.ids[done:start]) + "«" + tokenizer.decode(row.ids[start:end]) + "»"
        done = end
    text = mask(text + tokenizer.decode(row.ids[done:])).replace("\n", "\\n")
    cut = text if len(text) <= SHOWN else f"{text[: SHOWN // 2]} ... {text[-SHOWN // 2 :]}"
    return f"  a row, what is learnt in «»: {cut}"


def check_suites(decontaminated: Artifact, suites: Sequence[Suite]) -> str | None:
    """A line for the log on what kept the suites' rows out of training; None where no suite has rows.

    Raises BrokenArtifact where decontamination ran and did not see them all.
    """
    asked = sum(len(suite.rows) for suite in suites)
    protected = decontaminated.stats.get("protected")
    if not asked:
        return None
    if protected is None:
        return (
            f"  decontamination is off: nothing kept the {asked:,} rows of the suites out of training; "
            "the gate looks for their questions word for word"
        )
    if protected < asked:
        raise BrokenArtifact(
            f"decontamination saw {protected} evaluation rows, of {asked} that the suites have",
            where=str(decontaminated.reference),
            remedy="Delete this artifact's folder and run again.",
        )
    return f"  {protected:,} evaluation rows were kept out of training (decontaminate)"


def _faults(batch: pa.RecordBatch, begin: Begin, stops: Collection[int]) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """What is wrong in a batch of rows, and the places of those rows."""
    bounds = batch["ids"].offsets.to_numpy().astype(np.int64)
    tokens = batch["ids"].values.to_numpy()
    runs = batch["learnt"].offsets.to_numpy()
    starts, ends = (batch["learnt"].values.field(name).to_numpy()[: runs[-1]] for name in ("start", "end"))
    row_of_run = np.repeat(np.arange(len(batch)), np.diff(runs))
    learnt = np.bincount(row_of_run, np.maximum(ends - np.maximum(starts, 1), 0), minlength=len(batch))
    found = {
        "have no token to learn": np.flatnonzero(learnt == 0),
        "have an answer without its end, or one at which generation would not stop": np.unique(
            row_of_run[~np.isin(tokens[bounds[row_of_run] + ends - 1], list(stops))]
        ),
        "begin twice": _beginning_twice(tokens, bounds, begin),
    }
    yield from ((fault, places) for fault, places in found.items() if len(places))


def _beginning_twice(tokens: NDArray[np.int32], bounds: NDArray[np.int64], begin: Begin) -> NDArray[np.int64]:
    """Places of rows with two begin tokens side by side or, where a template writes one alone, with more than one."""
    if begin.token is None:
        return np.empty(0, np.int64)
    at = np.flatnonzero(tokens[: bounds[-1]] == begin.token)
    row = np.searchsorted(bounds, at, side="right") - 1
    again = row[1:] == row[:-1]
    return np.unique(row[1:][again & (at[1:] == at[:-1] + 1)] if begin.every_turn else row[1:][again])


def _too_long(shards: Artifact) -> str:
    """`no answer is cut (too_long: reject; 3 rejected)`."""
    policy = shards.manifest.spec["config"].get("too_long", "reject")
    counts = {
        "rejected": shards.manifest.reasons.get("too long", 0),
        "without their oldest turns": shards.stats.get("too_long", {}).get("truncated_rows", 0),
        "parted between turns": shards.stats.get("divided_rows", 0),
    }
    listed = "".join(f"; {count:,} {what}" for what, count in counts.items() if count)
    return f"no answer is cut (render.too_long: {policy}{listed})"
