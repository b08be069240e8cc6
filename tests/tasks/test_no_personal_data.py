"""No raw personal data after quality: planted in every field, looked for in every byte that a run leaves or says."""

import json
import logging
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from flows.cli import main
from tests.flows.test_refresh import write_project
from tests.rows import chat
from tests.tasks.conftest import Told, plan_run, walk
from tuneloom.export import row_object
from tuneloom.records import Conversation, Example, Message, Origin, to_table
from tuneloom.review.sheet import write_sheet

PRIVATE = ("ingest", "dedup", "split", "decontaminate")
"""Stages whose artifacts hold the rows as they were read; `forget` purges them."""
SECRETS = ("secret-lab.org", "13812345679", "219-09-9998", "GB82WEST12345698765432", "sk-Qh7pZ2mK9vXw4RtY8nB3cD6f")


def planted(n: int) -> list[Conversation]:
    """A row for each field that can hold a text, every one with values of its own."""

    def secret(field: str) -> str:
        mail = f"{field}.{n}@secret-lab.org"
        return f"row {n} {field}: {mail}, 电话13812345679, SSN 219-09-9998, IBAN {SECRETS[3]}, {SECRETS[4]}"

    call = json.dumps([{"function": {"name": "send", "arguments": json.dumps({"to": secret("call")})}}])
    tools = json.dumps([{"name": "send", "description": secret("tools")}])
    said = (Message("user", f"ask {n}"), Message("assistant", f"answer {n}", reasoning=secret("reasoning")))
    return [
        chat(secret("request"), f"fine {n}"),
        chat(f"who {n}?", secret("answer")),
        chat(f"fields {n}", f"a {n}", fields={"instruction": f"fields {n}", "context": secret("field")}),
        chat(f"examples {n}", f"b {n}", examples=(Example(secret("in"), "x"), Example("y", secret("out"), False))),
        chat(f"references {n}", f"c {n}", references=(f"c {n}", secret("reference"))),
        chat(f"choices {n}", f"d {n}", choices=(f"d {n}", secret("choice"))),
        chat(f"meta {n}", f"e {n}", meta={"author": {"mails": [secret("meta")]}}),
        chat(f"names {n}", f"f {n}", category=secret("category")),
        Conversation((Message("system", secret("system")), *said)),
        Conversation((Message("user", f"call {n}"), Message("assistant", "sent", tool_calls=call)), tools=tools),
    ]


@pytest.fixture
def config(tmp_path: Path, tiny_model: Path) -> Path:
    """A project with 30 planted rows beside its own; some rows are held for review."""
    config = write_project(tmp_path, tiny_model)
    rows = [row for n in range(3) for row in planted(n)]
    table = to_table((Origin("made", "f", n), row) for n, row in enumerate(rows, 1))
    lines = (json.dumps(row_object(row), ensure_ascii=False) for row in table.to_pylist())
    (tmp_path / "planted.jsonl").write_text("\n".join(lines), "utf-8")
    tree = yaml.safe_load(config.read_text())
    tree["sources"].append({"name": "planted", "path": "planted.jsonl"})
    tree.update(review={"sample": 0.3}, render={"max_length": 2048}, quality={"safety": {"unsafe_answer": "hold"}})
    config.write_text(yaml.safe_dump(tree))
    return config


def test_nothing_that_a_run_leaves_or_says_holds_it(
    config: Path, told: Told, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    run = plan_run(config, told)
    walk(run)
    run.complete()
    assert run.artifact("ingest").manifest.counts.rows_out == 160, "the planted rows were not read as meant"
    assert run.artifact("quality").stats["personal_data"]["email"] >= 30
    assert run.artifact("review").manifest.counts.held > 10
    write_sheet(run.artifact("review"), config.parent / "sheet.csv")

    monkeypatch.chdir(config.parent)
    for stage in run.plan.specs:
        assert main(["show", stage, "--config", str(config)]) == 0
    for word in ("secret-lab.org", "219-09-9998"):
        assert main(["trace", str(config), word]) == 0
    shown = capsys.readouterr()
    said = "\n".join([shown.out, shown.err, caplog.text, repr(told)])
    assert [secret for secret in SECRETS if secret in said] == []

    left = [path for path in config.parent.rglob("*") if path.is_file() and _is_public(path, config.parent)]
    assert len([path for path in left if path.suffix == ".parquet"]) >= 6
    leaks = {(secret, str(path.relative_to(config.parent))) for path in left for secret in _found(path)}
    assert leaks == set()


def _is_public(path: Path, folder: Path) -> bool:
    parts = path.relative_to(folder).parts
    return parts not in {("planted.jsonl",), ("rows.jsonl",)} and not ("store" in parts and {*PRIVATE} & {*parts})


def _found(path: Path) -> list[str]:
    """The secrets in a file, in its bytes and in what its columns hold."""
    said = path.read_bytes()
    if path.suffix == ".parquet":
        said += repr(pq.read_table(path).to_pylist()).encode()
    if path.suffix == ".arrow":
        table = pa.ipc.open_file(str(path)).read_all()
        said += repr(table.to_pylist()).encode()
    return [secret for secret in SECRETS if secret.encode() in said]
