"""The chosen rows: the same everywhere, tasks in turn, with what was asked and every right answer."""

import random

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tests.tuneloom.render.build import mixture, rendered, talk
from tuneloom.evaluate.items import ITEMS, SAMPLES, choose, held_out_items, items_table, samples_table
from tuneloom.evaluate.metrics import Scored
from tuneloom.records import Conversation, Message


@given(st.dictionaries(st.text("0123456789abcdef", min_size=4, max_size=4), st.sampled_from("ABC")), st.integers(0, 9))
def test_the_choice_depends_on_the_rows_and_not_on_their_order(tasks, count):
    chosen = choose(tasks, count, seed=1)
    shuffled = list(tasks.items())
    random.Random(3).shuffle(shuffled)
    assert chosen == choose(dict(shuffled), count, seed=1)
    assert len(set(chosen)) == len(chosen) == min(count, len(tasks))
    assert chosen[:3] == choose(tasks, 3, seed=1)[:count]


def test_tasks_take_turns():
    tasks = {f"{i:04x}": "large" if i < 90 else "small" for i in range(100)}
    assert sorted(tasks[i] for i in choose(tasks, 4, seed=0)) == ["large", "large", "small", "small"]
    assert choose(tasks, 10, seed=0) != choose(tasks, 10, seed=1)


def test_items_bring_prompt_references_and_tokens(tmp_path, tiny_model):
    rows = mixture(
        tmp_path,
        [
            ("train", talk("Hi", "Yo")),
            ("test", talk("Capital?", "Paris", task="geo", references=("Paris", "the city of Paris"))),
            (
                "test",
                Conversation((Message("system", "Be brief."), Message("user", "2+2?"), Message("assistant", "4"))),
            ),
            ("test", talk("Too long?", "Yo " * 300)),
        ],
    )
    items = {item.task: item for item in held_out_items(rows, rendered(tmp_path, rows, tiny_model), 10, seed=0)}
    assert sorted(items) == ["geo", "made"]
    assert items["geo"].references == ("Paris", "the city of Paris")
    assert items["geo"].prompt == "Capital?"
    assert items["made"].references == ("4",)
    assert items["made"].prompt == "system: Be brief.\n\nuser: 2+2?"
    assert items["made"].row.supervised == 2


def test_tables_have_the_promised_columns(tmp_path, tiny_model):
    rows = mixture(tmp_path, [("train", talk("Hi", "Yo")), ("test", talk("Who?", "Me"))])
    items = held_out_items(rows, rendered(tmp_path, rows, tiny_model), 10, seed=0)
    scores = items_table("tuned", "loss", items, [Scored(1.5)])
    assert scores.schema == ITEMS
    assert scores["value"].to_pylist() == [1.5]
    samples = samples_table(items, {"base": ["x"], "tuned": ["y"]})
    assert samples.schema == SAMPLES
    assert samples["champion"].to_pylist() == [None]
    assert samples["suite"].to_pylist() == ["held_out"]
    assert pa.concat_tables([ITEMS.empty_table(), scores]).num_rows == 1


def test_rows_that_ask_about_one_passage_are_a_cluster(tmp_path, tiny_model):
    passage = {"context": "The bridge was built in 1734."}
    pairs = [talk("When?", "1734", fields=passage), talk("What?", "A bridge", fields=passage), talk("Hi", "Yo")]
    rows = mixture(tmp_path, [("train", talk("Ho", "Yo")), *(("test", pair) for pair in pairs)])
    items = {item.references[0]: item for item in held_out_items(rows, rendered(tmp_path, rows, tiny_model), 9, seed=0)}
    assert items["1734"].cluster == items["A bridge"].cluster != items["Yo"].cluster == items["Yo"].id
