"""The task of rendering."""

from pathlib import Path

from tests.tasks.conftest import Ended, Told, plan_run, walk
from tuneloom.models.load import load_tokenizer
from tuneloom.render.shards import read_rows


def test_the_shards_are_written_with_the_template_and_tokenizer_of_the_configs_model(
    ended: Ended, tiny_model: Path
) -> None:
    shards = ended.artifact("render")
    text = load_tokenizer(tiny_model).decode(read_rows(shards, "test")[0].ids)
    assert text.startswith("<|im_start|>user\n")
    assert "<|im_start|>assistant\nThe " in text
    assert shards.manifest.counts.rows_in == ended.artifact("mixture").manifest.counts.rows_out


def test_the_configs_length_is_the_limit(ended: Ended, told: Told, tmp_path: Path) -> None:
    lengths = sorted(len(row.ids) for row in read_rows(ended.artifact("render"), "train"))
    limit = lengths[len(lengths) // 2]
    run = plan_run(ended.config, told, f"render.max_length={limit}", f"store={tmp_path}")
    walk(run, last="render")
    kept = sorted(len(row.ids) for row in read_rows(run.artifact("render"), "train"))
    assert kept == [length for length in lengths if length <= limit]
