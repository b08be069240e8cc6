"""Chooses learning rate and rank: a few short trainings on the same rows, compared on the validation side.

python -m benchmarks.sweep [CONFIG] [TOKENS]     data/recipes/5k.yaml, 50000; needs TUNELOOM_REALDATA

On a CPU four trainings of at most 50,000 tokens, on a GPU the whole grid on all of the rows. Every training sees the
same rows in the same order; the base and each of them are asked the same validation rows. The best on those is then
asked the test rows, which chose nothing. Losses are nats a token, a row's mean each, averaged over rows; intervals are
paired bootstraps over rows, of 95 %. The quality figures do not depend on how busy the machine is.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.pipeline import processor
from tuneloom.artifacts import Artifact
from tuneloom.config import Train
from tuneloom.config_file import load_config
from tuneloom.models.likelihood import row_losses
from tuneloom.models.load import load_model, model_folder
from tuneloom.models.probe import choose_dtype, probe
from tuneloom.models.resolve import ModelSource
from tuneloom.models.token_row import TokenRow
from tuneloom.plan import make_plan
from tuneloom.render.shards import read_packs, read_rows
from tuneloom.statistics import Interval, bootstrap
from tuneloom.train.adapters import attach
from tuneloom.train.batches import plan_steps
from tuneloom.train.trainer import train

RATES, RANKS = (3e-4, 1e-3, 3e-3), (8, 32, 64)
ON_A_CPU = ((3e-4, 8), (1e-3, 8), (3e-3, 8), (1e-3, 32))
MOST_TOKENS = 50_000
ASKED = 200
"""Rows of a side that are asked at the most."""


def main(config: str = "data/recipes/5k.yaml", tokens: str = str(MOST_TOKENS)) -> None:
    """Prints Markdown for RESULTS.md."""
    machine = probe()
    whole = machine.device == "cuda"
    grid = [(rate, rank) for rate in RATES for rank in RANKS] if whole else ON_A_CPU
    with tempfile.TemporaryDirectory() as home:
        settings, shards, model = prepared(config, home)
        settings = settings.model_copy(update={"max_tokens": None if whole else min(int(tokens), MOST_TOKENS)})
        validation, test = (asked(shards, side) for side in ("validation", "test"))
        base = losses(load_model(model_folder(model), device=machine.device), validation)
        print(f"{time.strftime('%Y-%m-%d')}, {processor()}, {machine.device}; {config}, {len(validation)} rows asked\n")
        print("| learning rate | rank | tokens | validation loss | gain over the base | seconds |")
        print("|---:|---:|---:|---:|---:|---:|")
        print(f"| base | | | {base.mean():.4f} | | |")
        found: list[tuple[float, Any, Train, np.ndarray]] = []
        for rate, rank in grid:
            chosen = settings.model_copy(update={"learning_rate": rate, "rank": rank, "alpha": 2.0 * rank})
            start = time.perf_counter()
            tuned, count = trained(shards, model, chosen)
            after = losses(tuned, validation)
            seconds = time.perf_counter() - start
            print(f"| {rate:g} | {rank} | {count:,} | {after.mean():.4f} | {told(base - after)} | {seconds:.0f} |")
            found.append((float(after.mean()), tuned, chosen, after))
        found.sort(key=lambda one: one[0])
        _, tuned, best, after = found[0]
        print(f"\nBest: learning rate {best.learning_rate:g}, rank {best.rank}.")
        for _, _, other, theirs in found[1:]:
            print(f"- better than {other.learning_rate:g}, rank {other.rank} by {told(theirs - after)}")
        plain = load_model(model_folder(model), device=machine.device)
        print(f"- on {len(test)} test rows, which chose nothing, better than the base by ", end="")
        print(told(losses(plain, test) - losses(tuned, test)))


def prepared(config: str, home: str) -> tuple[Train, Artifact, ModelSource]:
    """The rows as the pipeline renders them: settings, shards, model."""
    line = [sys.executable, "-m", "flows.cli", "--home", home, "prepare", config, "--json"]
    subprocess.run(line, stdout=subprocess.DEVNULL, check=True)
    tree = load_config(Path(config), ())
    plan = make_plan(tree, Path(config).parent, home=Path(home))
    return tree.train, plan.artifact("render"), plan.model


def asked(shards: Artifact, side: str) -> list[TokenRow]:
    """A fixed sample of a side's rows."""
    rows = read_rows(shards, side)
    places = np.random.default_rng(0).permutation(len(rows))[:ASKED]
    return [rows[int(place)] for place in places]


def trained(shards: Artifact, model: ModelSource, settings: Train) -> tuple[Any, int]:
    """A tuned model, and how many tokens tuned it."""
    machine, rows = probe(), read_rows(shards, "train")
    plan = plan_steps(rows, read_packs(shards), settings.tokens_per_step, settings.epochs, settings.max_tokens, 0)
    tuned = attach(load_model(model_folder(model), device=machine.device), settings, 0)
    return tuned, train(tuned, rows, plan, settings, 0, choose_dtype(settings.dtype, machine)).tokens


def losses(model: Any, rows: Sequence[TokenRow]) -> np.ndarray:
    """Nats a token of each row: float64 (n,)."""
    return np.array([loss.mean for loss in row_losses(model, rows)], np.float64)


def told(gains: np.ndarray) -> str:
    """`0.412 [0.371, 0.455]` for gains float64 (n,) of rows."""
    found: Interval | None = bootstrap(gains)
    return f"{found.estimate:.3f} [{found.low:.3f}, {found.high:.3f}]" if found else "unknown"


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # minutes lie between two lines
    main(*sys.argv[1:])
