"""The stage: every row gets a side, none is lost, and order and partition change nothing."""

import json
import random
from pathlib import Path

import pytest

from tests.tuneloom.dedup.builders import Row, ingest_rows, numbered, run, said
from tests.tuneloom.dedup.sources import t0
from tuneloom.artifacts import Artifact, Store
from tuneloom.config import Split
from tuneloom.errors import ConfigError
from tuneloom.records import ROWS, Conversation, Message, Origin, to_table
from tuneloom.released import NOTHING, ReleasedIndex
from tuneloom.split.stage import split


def splitted(
    store: Store, *files: list[Row], seed: int = 0, released: ReleasedIndex = NOTHING, **config: object
) -> Artifact:
    rows, section = ingest_rows(store, *files), Split(**config)
    inputs = {"seed": seed, "config": section.model_dump(mode="json"), "released": str(released)}
    return run(
        store,
        "split",
        rows,
        lambda writer: split(writer, rows, rows.members, section, seed, store.memo, released),
        inputs,
    )


def sides(artifact: Artifact) -> dict[tuple, str]:
    rows = artifact.table(["origin", "side"]).to_pylist()
    return {tuple(row["origin"].values()): row["side"] for row in rows}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_every_row_gets_a_side(store: Store):
    made = splitted(
        store, numbered([said(f"q{n}", "a", task=f"t{n % 3}") for n in range(400)]), validation=0.1, test=0.2
    )
    assert made.manifest.counts.rows_in == made.manifest.counts.rows_out == 400
    assert set(sides(made).values()) == {"train", "validation", "test"}
    assert sum(made.stats["rows"].values()) == 400
    assert made.stats["rows"] == {side: sum(tasks.values()) for side, tasks in made.stats["tasks"].items()}
    assert made.stats["groups"] == 400


def test_rows_of_one_leak_group_name_it_and_suite_rows_none(store: Store):
    talks = [
        said("the same prompt", "a"),
        said("the same prompt", "b"),
        said("another", "c"),
        said("d", "e", use="evaluate"),
    ]
    rows = splitted(store, numbered(talks)).table(["origin", "group"]).to_pylist()
    one, twin, other, suite = (row["group"] for row in sorted(rows, key=lambda row: row["origin"]["row"]))
    assert one == twin != other
    assert None not in (one, other)
    assert suite is None


def test_rows_for_evaluation_leave_as_suite_rows(store: Store):
    rows = [said("same", "a", use=use) for use in ("train", "evaluate", "decontaminate")] + [
        said("b", "c"),
        said("d", "e"),
    ]
    found = sides(splitted(store, numbered(rows)))
    assert [found["web", "a.jsonl", row, 0] == "suite" for row in (1, 2, 3, 4)] == [False, True, True, False]


def test_t15_one_prompt_never_straddles(store: Store):
    found = sides(splitted(store, numbered([said(f"q {n % 50}!", f"a{n}") for n in range(500)]), test=0.3))
    for prompt in range(50):
        assert len({found["web", "a.jsonl", 1 + prompt + 50 * n, 0] for n in range(10)}) == 1


def test_held_out_tasks_are_tests_and_what_shares_their_prompts_is_rejected_for_one_of_them(store: Store):
    rows = [said(f"q{n}", "a", task="held") for n in range(30)] + [
        said(f"q{n}", "b", task="near") for n in range(25, 40)
    ]
    made = splitted(store, numbered(rows), held_out_tasks=("held",), test=0, validation=0)
    assert [side for _, side in sorted(sides(made).items())] == ["test"] * 30 + ["train"] * 10
    rejected = made.rejected().to_pylist()
    assert {row["reason"] for row in rejected} == {"shares text with a held-out task"}
    assert [row["origin"]["row"] - row["duplicate_of"]["row"] for row in rejected] == [5] * 5
    assert {row["detail"] for row in rejected} == {'{"evidence":"held","rule":"held-out task","version":"split-2"}'}


WORDS = ("the", "river", "rose", "over", "its", "old", "stone", "banks", "last", "spring", "and", "took", "a", "bridge")
PASSAGES = [" ".join(f"{word}{n}" for word in WORDS) for n in range(60)]


def test_t9_a_passage_under_other_templates_never_straddles_and_the_templates_tie_nothing(store: Store):
    """60 passages under three templates, one of them in the answer; the templates are longer than a passage."""
    header = "please read the following text with great care and then do as you are told by the last line of it"
    files = [
        numbered([said(f"{header} : {text} What is it about?", f"bridge {n}") for n, text in enumerate(PASSAGES)]),
        numbered([said(f"Title for {text}", f"a title {n}") for n, text in enumerate(PASSAGES)], file="b"),
        numbered([said(f"write about bridge number {n}", text) for n, text in enumerate(PASSAGES)], file="c"),
    ]
    made = splitted(store, *files, test=0.3, validation=0.2)
    assert (made.stats["groups"], made.stats["largest_group"]) == (60, 3)
    found = sides(made)
    for row in range(1, 61):
        assert len({found["web", file, row, 0] for file in ("a.jsonl", "b", "c")}) == 1


def test_t15_a_short_question_meets_itself_under_another_template(store: Store):
    header = "please read the following question with great care and say what kind of answer it asks for"
    questions = [
        " ".join(f"{word}{n}" for word in ["who", "has", "built", "the", "bridge"]) + " here" for n in range(60)
    ]
    files = [
        numbered([said(f"{header} : {question}", "person") for question in questions]),
        numbered([said(question, f"mister {n}") for n, question in enumerate(questions)], file="b"),
    ]
    made = splitted(store, *files, test=0.3, validation=0.2)
    assert (made.stats["groups"], made.stats["largest_group"]) == (60, 2)


def talk(*turns: str, **more: object) -> Conversation:
    return Conversation(tuple(Message("assistant" if n % 2 else "user", text) for n, text in enumerate(turns)), **more)


@pytest.mark.parametrize("name", ["message_tree_id", "tree_id", "conversation_id", "conversation_hash", "thread_id"])
def test_t16_the_paths_of_a_conversation_tree_stay_together(store: Store, name: str):
    """Paths of one tree share their first turn; trees named by their id need not even that."""
    rows = [talk(f"how do I cook rice number {n % 40}?", f"a{n}", f"b{n}", f"c{n}") for n in range(80)]
    rows += [talk(f"x{n}", "yes", meta={"lang": "en", name: f"tree {n % 40}"}) for n in range(80)]
    made = splitted(store, numbered(rows), test=0.3, validation=0.2)
    found = [side for _, side in sorted(sides(made).items())]
    assert made.stats["groups"] == 80
    assert found[:40] == found[40:80]
    assert found[80:120] == found[120:]
    assert set(found) == {"train", "validation", "test"}


def test_one_short_input_is_another_prompt_in_another_task(store: Store):
    rows = [
        said(country, f"{task} {country}", task=task, fields={"definition": f"Name the {task}.", "input": country})
        for country in ("France", "Chad")
        for task in ("capital", "currency")
    ]
    assert splitted(store, numbered(rows)).stats["groups"] == 4


def test_t18_rows_without_a_prompt_are_no_group(store: Store):
    assert splitted(store, numbered([said("", f"a{n}") for n in range(5)])).stats["groups"] == 5


def test_t15_real_passages_under_all_templates_share_a_side(store: Store, realdata: Path):
    """Line n of each of these files renders one passage; their templates are told apart by nothing but the words."""
    families = ("xsum_", "samsum_", "imdb_", "ag_news_")
    files = {
        path.name: [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        for path in sorted((realdata / "t0").glob("*.jsonl"))
        if path.name.startswith(families)
    }
    tables = [
        [(Origin("t0", name, n), said(row["prompt"], row["completion"], kind="natural")) for n, row in enumerate(rows)]
        for name, rows in files.items()
    ]
    made = splitted(store, *tables, test=0.3, validation=0.2)
    found = sides(made)
    for family in families:
        mine = [name for name in files if name.startswith(family)]
        for row in range(min(len(files[name]) for name in mine)):
            assert len({found["t0", name, row, 0] for name in mine}) == 1, (family, row)
    assert made.stats["largest_group"] < 0.1 * len(found)
    assert made.stats["cut"] == {"rows": 0, "spans": 0}


def test_an_unknown_held_out_task_is_an_error_that_names_the_nearest(store: Store):
    with pytest.raises(ConfigError, match=r"'sumarise'.*'summarise'"):
        splitted(store, numbered([said("q", "a", task="summarise")]), held_out_tasks=("sumarise",))
    with pytest.raises(ConfigError, match="names no tasks"):
        splitted(store, numbered([said("q", "a")]), held_out_tasks=("x",))


def test_t13_neither_order_nor_partition_changes_a_byte(store: Store):
    rows = [(Origin("web", f"f{n % 3}", n), said(f"q{n % 150}", f"a{n}")) for n in range(300)]
    whole = splitted(store, rows)
    random.Random(1).shuffle(rows)
    cut = splitted(store, rows[:10], rows[10:])
    assert [file.digest for file in whole.manifest.files] == [file.digest for file in cut.manifest.files]


def test_no_rows(store: Store):
    made = splitted(store, [])
    assert made.table().schema.names[-2:] == ["side", "group"]
    assert made.stats["rows"] == {}


def test_t15_real_rows_of_one_prompt_share_a_side(store: Store, realdata: Path):
    rows = t0(realdata, files=40)
    found = splitted(store, numbered(rows), test=0.3)
    by_prompt: dict[str, set[str]] = {}
    for row in found.table(["messages", "side"]).to_pylist():
        by_prompt.setdefault(row["messages"][0]["content"], set()).add(row["side"])
    assert len(rows) > len(by_prompt) > 1000
    assert all(len(found) == 1 for found in by_prompt.values())


def test_t17_roles_and_weights_pass_unchanged_and_never_part_a_prompt_from_itself(store: Store):
    def told(n: int, weight: int) -> Conversation:
        said = (("system", "Be kind.", 1), ("user", f"question {n}", 1), ("assistant", f"{n} {weight}", weight))
        return Conversation(tuple(Message(role, text, weight=weight) for role, text, weight in said))

    rows = [told(n // 2, n % 2) for n in range(80)]
    made = splitted(store, numbered(rows), test=0.3, validation=0.2)
    found = [side for _, side in sorted(sides(made).items())]
    assert found[::2] == found[1::2]
    kept = made.table().select(ROWS.names)
    assert sorted(kept.to_pylist(), key=str) == sorted(to_table(numbered(rows)).to_pylist(), key=str)


def test_t18_one_row_repeated_through_a_file_is_no_template(store: Store):
    """Its words are no common wording: it still meets the row of another file that holds them."""
    spam = [said(PASSAGES[0], "A")] * 60 + [said(f"question {n}", f"{n}") for n in range(100)]
    for number, longer in enumerate((f"before all that {PASSAGES[0]}", f"{PASSAGES[0]} and after it")):
        made = splitted(store, numbered(spam), numbered([said(longer, "B")], file="b"), seed=number)
        assert made.stats["largest_group"] == 61
