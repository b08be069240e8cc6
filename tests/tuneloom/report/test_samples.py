"""The sample browser's rows, read from an evaluation."""

import json
from pathlib import Path

from tests.tuneloom.release.chain import make_chain
from tuneloom.report.samples import clip, in_turns, read_samples
from tuneloom.text.personal_data import mask

REFUSAL = "I'm sorry, but as an AI language model I can't help with that request."
PROMPTS = [(f"task {n % 2}", f"prompt {n}", "right", "base", REFUSAL if n == 3 else "tuned") for n in range(5)]


def test_a_row_is_a_win_where_the_tuned_model_scores_better_by_the_suites_first_metric(tmp_path: Path) -> None:
    """The base has 10 everywhere, the tuned model 0, 7, 14, 21, 28."""
    samples = read_samples(make_chain(tmp_path, prompts=PROMPTS)["evaluate"], str)
    assert samples.measure == {"held_out": "chrf"}
    gains = {row.prompt: row.gains for row in samples.rows}
    assert gains["prompt 0"] == {"base": -10}
    assert gains["prompt 4"] == {"base": 18}
    assert samples.counts("base") == {"loss": 2, "win": 3, "refusal": 1, "cut": 1}
    row = next(row for row in samples.rows if row.prompt == "prompt 3")
    assert row.notes == {"tuned": ("refusal",)}
    assert row.scores["loss"] == {"base": 10.0, "tuned": 21.0}


def test_the_champions_answers_and_wins_are_told_beside_the_bases(tmp_path: Path) -> None:
    samples = read_samples(make_chain(tmp_path, prompts=PROMPTS, champion="c" * 32)["evaluate"], str)
    assert {tuple(row.answers) for row in samples.rows} == {("base", "champion", "tuned")}
    assert samples.counts("champion")["loss"] == 2


def test_tasks_take_turns_where_there_are_more_rows_than_a_page_takes(tmp_path: Path) -> None:
    rows = [{"suite": "s", "task": "a"}] * 4 + [{"suite": "s", "task": "b"}]
    assert [row["task"] for row in in_turns(rows, 3)] == ["a", "b", "a"]
    samples = read_samples(make_chain(tmp_path, prompts=PROMPTS)["evaluate"], str, most=2)
    assert (len(samples.rows), samples.total) == (2, 5)


def test_personal_data_is_masked_before_a_text_is_cut(tmp_path: Path) -> None:
    said = "x" * 3992 + " joe.bloggs@example.org"
    samples = read_samples(make_chain(tmp_path, prompts=[(said, said, said, said, said)])["evaluate"], mask)
    assert "bloggs" not in samples.to_json("base")
    assert "joe" not in samples.to_json("base")


def test_rows_lie_in_the_page_as_json_that_no_text_can_end(tmp_path: Path) -> None:
    said = "</script><!-- <script> ]]> & \u2028"
    text = read_samples(make_chain(tmp_path, prompts=[("t", said, said, said, said)])["evaluate"], str).to_json("base")
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text)["rows"][0]["p"] == said


def test_long_text_is_cut_with_a_mark() -> None:
    assert clip("abcdef", 4) == "abcd …"
    assert clip("abcd", 4) == "abcd"
