"""The page itself: complete, self-contained, and safe whatever a data set says."""

import base64
import hashlib
import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.rows import chat
from tests.tuneloom.quality.judged import judged, table
from tests.tuneloom.release.chain import make_chain
from tests.tuneloom.render.build import mixture, rendered, talk
from tuneloom.artifacts import Artifact, Spec, Store
from tuneloom.config import Quality
from tuneloom.errors import BrokenArtifact
from tuneloom.report.stage import SCRIPT, report

HOSTILE = "<script>alert(1)</script></style><img src=x onerror=alert(2)>\"'>{{ 7*7 }}{% raw %} & joe.bloggs@example.org"


class Page(HTMLParser):
    """Tags and attributes as a browser sees them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.said: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attributes

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def write(folder: Path, chain: dict[str, Artifact], title: str = "quickstart") -> str:
    spec = Spec("report", "code", inputs={"title": title})
    made = Store(folder).ensure(spec, lambda writer: report(writer, chain, title))
    return made.path("report.html").read_text("utf-8")


def with_release(folder: Path, chain: dict[str, Artifact], **more: object) -> dict[str, Artifact]:
    told = {
        "model_name": "smol",
        "version": 3,
        "model_uri": "models:/smol/3",
        "promoted": True,
        "verdict": "promote",
        "why_not": None,
        "tracking": "sqlite:///.tuneloom/mlflow.db",
        "experiment_id": "7",
        "mlflow_run_id": "0f3c",
        **more,
    }
    made = Store(folder).ensure(
        Spec("release", "code", config={"told": told}),
        lambda writer: writer.file("release.json").write_text(json.dumps(told)),
    )
    return {**chain, "release": made}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("page")
    return write(folder, with_release(folder, make_chain(folder, rows=200), tracking="https://mlflow.example.org"))


def test_the_verdict_comes_first_and_everything_else_is_there(page: str) -> None:
    ids = ("scores", "tasks", "samples", "rows", "training", "mixture", "duplicates", "lineage", "again")
    order = ["The tuned model beats the base.", *(f'<h2 id="{name}">' for name in ids), "tuneloom chat models:/smol/3"]
    places = [page.index(text) for text in order]
    assert places == sorted(places)
    said = "".join(Page(page).said)
    for text in ("near duplicate", "图书馆在哪里？", "-0.46 to -0.24", "threshold: 0.8", "Validation loss"):
        assert text in said


def test_what_the_safety_policy_found_is_told(tmp_path: Path) -> None:
    rows = table([chat("How do I poison my neighbour?", "Mix it into the tea.")])
    page = write(tmp_path, {**make_chain(tmp_path), "quality": judged(tmp_path / "judged", rows, Quality())})
    assert "<li>unsafe answer: 1 rows flagged (made 1)</li>" in page


def test_every_artifact_of_the_chain_is_named(tmp_path: Path) -> None:
    chain = make_chain(tmp_path)
    text = write(tmp_path, chain)
    for artifact in chain.values():
        assert artifact.reference.key in text


def test_the_page_fetches_nothing_and_runs_its_own_script_alone(page: str) -> None:
    seen = Page(page)
    assert not {"link", "img", "iframe", "object", "embed", "base"} & set(seen.tags)
    assert [value for name, value in seen.attributes if name in ("src", "srcset", "action")] == []
    links = [value or "" for name, value in seen.attributes if name == "href"]
    assert {link for link in links if not link.startswith("#")} == {
        "https://mlflow.example.org/#/experiments/7/runs/0f3c"
    }
    assert not any(name.startswith("on") for name, _ in seen.attributes)
    assert "@import" not in page
    assert "default-src 'none'" in page
    script = SCRIPT.read_text("utf-8")
    assert page.count("<script") == 2
    assert f"<script>{script}</script>" in page
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in page


def test_records_without_a_server_are_seen_by_tuneloom_ui(tmp_path: Path) -> None:
    text = write(tmp_path, with_release(tmp_path, make_chain(tmp_path)))
    assert "http://127.0.0.1:5000/#/experiments/7/runs/0f3c" in text
    said = "".join(Page(text).said)
    assert "tuneloom ui" in said
    assert str(tmp_path) not in said


def test_it_is_made_for_phones_and_for_the_dark(page: str) -> None:
    assert ("name", "viewport") in Page(page).attributes
    assert "prefers-color-scheme: dark" in page


def test_hostile_text_stays_text_wherever_it_stands(tmp_path: Path) -> None:
    chain = make_chain(tmp_path, prompts=[(HOSTILE,) * 5], tag=HOSTILE)
    chain = with_release(
        tmp_path,
        chain,
        model_name=HOSTILE,
        promoted=False,
        why_not=HOSTILE,
        model_uri=HOSTILE,
        tracking="https://example.org/\"onx='javascript:alert(3)",
        mlflow_run_id=HOSTILE,
    )
    text = write(tmp_path, chain, title=HOSTILE)
    clean = write(
        tmp_path, with_release(tmp_path, make_chain(tmp_path, prompts=[("a",) * 5]), version=4), title="clean"
    )
    seen = Page(text)
    assert set(seen.tags) <= set(Page(clean).tags)
    assert not any(name.startswith("on") for name, _ in seen.attributes)
    assert text.count("</style>") == 1
    assert text.count("<script") == 2
    assert all((value or "").startswith(("https://", "#")) for name, value in seen.attributes if name == "href")
    assert "<script>alert(1)</script>" in "".join(seen.said)  # shown, as the words they are
    assert "{{ 7*7 }}" in "".join(seen.said)


def test_personal_data_is_masked(tmp_path: Path) -> None:
    said = "Write to joe.bloggs@example.org"
    text = write(tmp_path, make_chain(tmp_path, prompts=[("qa", said, said, said, said)]))
    assert "Write to" in text
    assert "joe.bloggs@example.org" not in text


def test_a_run_of_one_step_has_no_curve_but_a_report(tmp_path: Path) -> None:
    text = write(tmp_path, make_chain(tmp_path, history=1))
    assert "Too few steps for a curve." in text


def test_without_an_evaluation_there_is_nothing_to_report(tmp_path: Path) -> None:
    chain = make_chain(tmp_path)
    del chain["evaluate"]
    with pytest.raises(BrokenArtifact, match="needs the evaluation"):
        write(tmp_path, chain)


def test_rendering_is_shown_with_what_is_learnt_coloured_lengths_tokens_and_fill(
    tmp_path: Path, tiny_model: Path
) -> None:
    chain = make_chain(tmp_path / "store")
    rows = mixture(tmp_path / "rows", [("train", talk("Hi", "Yo", task="greet", language="en"))])
    made = rendered(tmp_path / "rows", rows, tiny_model)
    text = write(tmp_path, {**chain, "render": made})
    assert '<b class="good">Yo&lt;|im_end|&gt;</b>' in text
    for title in ("Tokens by side", "Tokens by language", "Tokens by task", "Tokens a row"):
        assert title in text
    assert f"{made.stats['packs']['fill']:.2%} filled" in text
