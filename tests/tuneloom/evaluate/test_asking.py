"""All models, all questions: stored in an order that does not tell who was asked first."""

from tuneloom.evaluate.asking import Own, Said, ask_models, in_order
from tuneloom.evaluate.items import ITEMS, items_table
from tuneloom.evaluate.metrics import Scored
from tuneloom.evaluate.questions import Wanted, said


def test_the_order_of_asking_leaves_no_trace():
    wanted = [Wanted(i, [said("user", "?")], ("x",), i, "t") for i in "cab"]
    tables = [items_table(model, "loss", wanted, map(Scored, (1.0, 2.0, 3.0))) for model in ("tuned", "base")]
    there, back = Said(items=tables), Said(items=tables[::-1])
    assert in_order(there)[0] == in_order(back)[0]
    assert in_order(there)[0]["id"].to_pylist()[:3] == ["a", "b", "c"]


def test_without_models_nothing_is_said():
    found = ask_models([], 0, Own([], [], 8, False), [], {}, lambda what, done, total: None)
    assert in_order(found)[0] == ITEMS.empty_table()
    assert found.answers == {}
