"""`tuneloom show`: samples a person may read."""

import json
from pathlib import Path

import pytest

from flows.cli import main
from flows.commands.show import _shown
from flows.project import plan_to_run
from tests.flows.projects import make_project, options, run_data_stages
from tests.rows import chat
from tests.tuneloom.decontaminate.builders import QUESTION, asked, cleaned, suite_rows
from tests.tuneloom.dedup.builders import numbered, said
from tests.tuneloom.quality.judged import judged, table
from tests.tuneloom.render.build import mixture, rendered, talk
from tuneloom.artifacts import Artifact, Store
from tuneloom.config import Quality, Rule

RULES = (Rule(name="too long", value="answer_words", max=5, source="a test"),)
PHONE, MAIL = "13812345678", "jane.doe@example.com"


@pytest.fixture
def ingested(tmp_path: Path) -> Artifact:
    """Personal data at the cut of each sample, kept and rejected, as words and as escapes of JSON."""
    config = make_project(tmp_path)
    rows = []
    for before in (*range(370, 400, 3), *range(250, 300, 3), *range(90, 120, 3)):
        text = "x" * before + f" {PHONE} {MAIL}"
        rows += [{"instruction": text, "output": "kept"}, {"instruction": text, "output": ""}]
        rows += [{"instruction": text, "output": {"text": f"{'y' * before}\n{PHONE}"}}]
    rows += [{"instruction": f"Call\n{PHONE}", "output": ""}, {"instruction": f"电话\n{PHONE}", "output": ["a"]}]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    return run_data_stages(plan_to_run(options(config=config), print))["ingest"]


def test_no_piece_of_personal_data_is_left_where_a_sample_is_cut(
    ingested: Artifact, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.commands.show.SAMPLES", 1000)
    assert main(["show", str(ingested.folder)]) == 0
    told = capsys.readouterr().out
    assert "<PHONE>" in told
    assert "wrong type" in told
    for data in (PHONE, MAIL):
        assert data[:5] not in told


def test_what_is_shown_is_masked_before_it_is_cut() -> None:
    assert _shown(f"Write to {MAIL} now", 14) == "Write to <EMAI"
    assert _shown(f"a\nb {PHONE}", 40) == "a b <PHONE>"


def test_a_stage_of_the_last_run_is_shown_with_counts_and_reasons(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_data_stages(plan_to_run(options(config=make_project(tmp_path), limit=31), print))
    monkeypatch.chdir(tmp_path)
    assert main(["show", "dedup"]) == 0
    told = capsys.readouterr().out
    assert told.splitlines()[2].split()[:4] == ["dedup", "31", "30", "1"]
    assert "rows.json:31  exact duplicate" in told
    tables = told[told.index("Rows lost, by source") :].splitlines()
    assert tables[2].split()[:5] == ["rows", "31", "1", "0", "3.2%"]
    assert main(["show", "quality"]) == 2
    assert "stage quality has not run yet" in capsys.readouterr().err


def test_decontamination_shows_the_evaluation_rows_that_are_given_away(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = cleaned(Store(tmp_path), [*suite_rows(asked(QUESTION)), *numbered([said(f"Solve: {QUESTION}", "72")])])
    assert main(["show", str(made.folder)]) == 0
    told = capsys.readouterr().out
    assert "suite  1 evaluation rows, 1 compromised (0 exact question, 1 near duplicate" in told
    assert "suite:test.jsonl:1  1 rows, coverage 1.0: Natalia sold clips" in told


def test_quality_shows_its_rules_and_histograms_with_the_bounds_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = judged(tmp_path, table([chat(f"q{n}", "word " * n) for n in range(1, 9)]), Quality(rules="none", more=RULES))
    assert main(["show", str(made.folder)]) == 0
    told = capsys.readouterr().out
    assert "profile none: 8 rows judged, 0 masked" in told
    assert "answer_words <= 5" in told
    assert "5: max of too long" in told
    histogram = told[told.index("answer_words: words") :].splitlines()
    assert [line.split()[:2] for line in histogram[1:5]] == [["1", "1"], ["2", "2"], ["4", "4"], ["─" * 18, "5:"]]


def test_quality_shows_what_the_safety_policy_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = judged(tmp_path, table([chat("How do I poison my neighbour?", "Mix it into the tea.")]), Quality())
    assert main(["show", str(made.folder)]) == 0
    assert "unsafe answer: 1 rows flagged (made 1)" in capsys.readouterr().out


def test_what_if_questions_are_answered_without_a_rerun(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = judged(tmp_path, table([chat(f"q{n}", "word " * n) for n in range(1, 9)]), Quality(rules="none", more=RULES))
    assert main(["show", str(made.folder), "--rule", "answer_words < 3", "--bound", "too long=7"]) == 0
    told = capsys.readouterr().out
    assert "2 of 8 rows would be rejected, 2 of them kept by the run" in told
    assert "1 of 8 rows would be rejected, 0 of them kept by the run; 2 that it rejected would be kept" in told
    assert main(["show", str(made.folder), "--rule", "read_csv('/etc/passwd')"]) == 2
    assert "calls 'read_csv', which rules may not (--rule)" in capsys.readouterr().err


def test_what_if_is_a_question_to_the_quality_stage(ingested: Artifact, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(ingested.folder), "--rule", "answer_words < 3"]) == 2
    assert "ask the quality stage, not ingest" in capsys.readouterr().err


def test_render_is_shown_as_the_model_sees_it_with_what_is_learnt_marked(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = mixture(
        tmp_path, [("train", talk(f"Mail {MAIL}", f"Call {PHONE}", task="greet")), ("test", talk("Hi", "Yo"))]
    )
    made = rendered(tmp_path, rows, tiny_model)
    assert main(["show", str(made.folder)]) == 0
    told = capsys.readouterr().out
    assert "<|im_start|>user\nMail <EMAIL><|im_end|>\n<|im_start|>assistant\n«Call <PHONE><|im_end|>»" in told
    assert PHONE not in told
    assert MAIL not in told
    assert "Tokens by task" in told
    assert "1 rows in 1 packs of 256 tokens" in told
    assert "█" in told


def test_before_a_run_show_says_so_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = make_project(tmp_path / "p")
    before = sorted(tmp_path.rglob("*"))
    assert main(["show", "dedup", "--config", str(config)]) == 2
    assert "has not run yet" in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before
    (tmp_path / ".tuneloom").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(["show", "dedup"]) == 2
    assert "nothing ran here yet" in capsys.readouterr().err


def test_neither_a_stage_nor_a_folder_lists_the_stages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "dedupe"]) == 2
    assert "dedup, split" in capsys.readouterr().err
