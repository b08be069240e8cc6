"""The page in Chromium: quiet, filterable, quick with 10,000 rows, and deaf to whatever the data says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chromium import Tab, chromium
from tests.tuneloom.release.chain import make_chain
from tests.tuneloom.report.test_stage import with_release, write

REFUSAL = "I'm sorry, but as an AI language model I can't help with that request."
HOSTILE = (
    "</script><script>alert(1)</script><img src=https://evil.example.org/x onerror=alert(2)>"
    "<a href='javascript:alert(3)' onclick=alert(4)>x</a></textarea></template></select></style><svg onload=alert(5)>"
    "\"'><iframe srcdoc='<script>alert(6)</script>'>{{ 7*7 }}<!--"
)
ROWS = [
    (f"task {n % 4}", f"prompt {n}: 图书馆", f"reference {n}", "base", REFUSAL if n % 9 == 0 else "tuned")
    for n in range(40)
]
COUNT = "document.getElementById('count').textContent"
ARTICLES = "document.querySelectorAll('#samples-list article').length"
NODES = "document.querySelectorAll('*').length"


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with chromium(tmp_path_factory.mktemp("browser") / "profile") as tab:
        yield tab


@pytest.fixture
def heard(tab: Tab) -> Tab:
    """The tab, with what it said before forgotten."""
    for said in (tab.logged, tab.asked, tab.dialogs):
        said.clear()
    return tab


def page(folder: Path, **chain: Any) -> Path:
    """A report of a made chain."""
    path = folder / "report.html"
    path.parent.mkdir(exist_ok=True)
    path.write_text(write(folder, with_release(folder, make_chain(folder, **chain))), "utf-8")
    return path


def choose(tab: Tab, name: str, value: str) -> str:
    """Sets a filter as a person does; what the page then says of how many rows there are."""
    script = (
        f"f = document.getElementById('filters'); f.elements[{name!r}].value = {value!r};"
        f" f.dispatchEvent(new Event('input', {{bubbles: true}})); {COUNT}"
    )
    return str(tab.run(script))


@pytest.fixture(scope="module")
def with_champion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return page(tmp_path_factory.mktemp("champion"), prompts=ROWS, champion="c" * 32)


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False), (390, True)])
def test_nothing_is_logged_nothing_fetched_and_nothing_wider_than_the_window(
    heard: Tab, with_champion: Path, width: int, dark: bool
) -> None:
    heard.open(with_champion, width, dark)
    assert heard.run(ARTICLES) == 10
    assert heard.run("document.documentElement.scrollWidth") <= width
    assert heard.logged == []
    assert heard.asked == [with_champion.as_uri()]
    paper = heard.run("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(20, 23, 26)" if dark else "rgb(255, 255, 255)")


def test_filters_find_wins_losses_refusals_tasks_and_words(heard: Tab, with_champion: Path) -> None:
    """The tuned model's score is 7 times the row's number, everybody else's is 10: rows 0 and 1 are losses."""
    heard.open(with_champion)
    assert heard.run(COUNT) == "1–10 of 40 rows"
    assert choose(heard, "outcome", "loss") == "1–2 of 2 rows"
    assert heard.run("[...document.querySelectorAll('.outcome')].map(e => e.textContent).join()") == "loss,loss"
    assert choose(heard, "outcome", "win") == "1–10 of 38 rows"
    assert choose(heard, "outcome", "refusal") == "1–5 of 5 rows"
    assert choose(heard, "outcome", "new refusal") == "1–5 of 5 rows"
    assert choose(heard, "outcome", "cut") == "1–1 of 1 row"
    assert choose(heard, "outcome", "all") == "1–10 of 40 rows"
    assert choose(heard, "task", "task 3") == "1–10 of 10 rows"
    assert choose(heard, "words", "PROMPT 7: 图") == "1–1 of 1 row"
    assert choose(heard, "task", "task 2") == "0 rows"
    heard.run("document.querySelector('#filters [type=reset]').click()")
    heard.run("new Promise(f => setTimeout(f, 20))")
    assert heard.run(COUNT) == "1–10 of 40 rows"
    assert choose(heard, "language", "en") == "1–10 of 40 rows"
    assert choose(heard, "suite", "held_out") == "1–10 of 40 rows"
    assert heard.logged == []


def test_the_worst_rows_come_first_or_the_best(heard: Tab, with_champion: Path) -> None:
    first = "document.querySelector('.prompt-text').textContent"
    heard.open(with_champion)
    assert heard.run(first) == "prompt 0: 图书馆"
    choose(heard, "order", "best")
    assert heard.run(first) == "prompt 39: 图书馆"


def test_base_champion_and_tuned_stand_side_by_side_with_scores_and_notes(heard: Tab, with_champion: Path) -> None:
    heard.open(with_champion)
    told = heard.run("[...document.querySelector('article').querySelectorAll('.who')].map(e => e.textContent).join()")
    assert told == "base,champion,tuned · refusal"
    lefts = heard.run(
        "[...document.querySelector('.answers').children].map(e => e.getBoundingClientRect().left).join()"
    )
    assert len(set(lefts.split(","))) == 3
    assert "chrf: base 10, champion 10, tuned 0" in heard.run("document.querySelector('.scores').textContent")


def test_the_verdict_leads_to_the_rows_behind_it(heard: Tab, with_champion: Path) -> None:
    heard.open(with_champion)
    heard.run("document.querySelector('[data-outcome=loss]').click(); new Promise(f => setTimeout(f, 20))")
    assert heard.run(COUNT) == "1–2 of 2 rows"
    heard.run("document.querySelector('[data-task=\"task 1\"]').click(); new Promise(f => setTimeout(f, 20))")
    assert heard.run(COUNT) == "1–10 of 10 rows"


def test_ten_thousand_rows_cost_the_document_no_more_than_forty(heard: Tab, tmp_path: Path) -> None:
    few = page(tmp_path / "few", prompts=ROWS)
    heard.open(few)
    nodes = heard.run(NODES)
    many = page(tmp_path / "many", prompts=[ROWS[n % 40] for n in range(10_000)])
    heard.open(many)
    assert heard.run(COUNT) == "1–10 of 10,000 rows"
    assert heard.run(ARTICLES) == 10
    assert abs(heard.run(NODES) - nodes) < 30
    heard.run("for (let i = 0; i < 30; i++) document.getElementById('later').click()")
    assert heard.run(COUNT) == "301–310 of 10,000 rows"
    assert heard.run(ARTICLES) == 10
    heard.run("document.getElementById('earlier').click()")
    assert heard.run(COUNT) == "291–300 of 10,000 rows"
    assert choose(heard, "words", "prompt 7:") == "1–10 of 250 rows"
    assert abs(heard.run(NODES) - nodes) < 30
    assert heard.logged == []


def test_hostile_words_are_shown_and_do_nothing(heard: Tab, tmp_path: Path) -> None:
    path = page(tmp_path, prompts=[(HOSTILE,) * 5, ("plain",) * 5], tag=HOSTILE, champion="c" * 32)
    heard.open(path)
    assert heard.run("document.querySelector('.prompt-text').textContent") == HOSTILE
    choose(heard, "task", HOSTILE.replace("\\", ""))
    heard.run("document.querySelectorAll('details').forEach(e => e.open = true); new Promise(f => setTimeout(f, 50))")
    assert heard.run("document.querySelectorAll('iframe, img, svg[onload], [onclick], [onerror]').length") == 0
    assert heard.run("document.querySelectorAll('script').length") == 2
    assert heard.dialogs == []
    assert heard.asked == [path.as_uri()]
    assert heard.logged == []


def test_the_policy_stops_a_script_that_is_not_the_pages_own(heard: Tab, tmp_path: Path) -> None:
    """Even were text ever let through unescaped."""
    path = page(tmp_path, prompts=ROWS[:2])
    bad = "<script>alert(1)</script><img src=https://evil.example.org/x onerror=alert(2)>"
    path.write_text(path.read_text("utf-8").replace("<footer>", f"{bad}<footer>"), "utf-8")
    heard.open(path)
    assert heard.dialogs == []
    assert heard.run(ARTICLES) == 2
    assert any("Content Security Policy" in line for line in heard.logged)
