"""Held-out tasks: those without a training row, examples of the same task before them and never scored."""

from tests.tuneloom.render.build import mixture, talk
from tuneloom.evaluate.unseen import unseen_questions


def rows(store):
    test = [("test", talk(f"New {i}?", f"N{i}", task="new", category="c")) for i in range(6)]
    return mixture(
        store,
        [
            ("train", talk("Old?", "O", task="old")),
            ("validation", talk("Valid?", "V", task="new")),
            ("test", talk("Old too?", "O", task="old")),
            ("test", talk("Alone?", "A", task="alone")),
            *test,
        ],
    )


def test_only_tasks_that_never_trained_are_asked_and_a_task_is_a_cluster(tmp_path):
    found = unseen_questions(rows(tmp_path), 0, seed=0)
    assert {one.task for one in found} == {"new", "alone"}
    assert len(found) == 7
    assert all(one.cluster == one.task for one in found)
    assert all(len(one.messages) == 1 for one in found)


def test_shots_are_rows_of_the_same_task_that_are_not_scored(tmp_path):
    found = unseen_questions(rows(tmp_path), 2, seed=0)
    assert len(found) == 4
    assert {one.task for one in found} == {"new"}  # a task of one row has none left to ask
    shown = {m["content"] for one in found for m in one.messages[:-1] if m["role"] == "user"}
    assert len(shown) == 2
    assert shown.isdisjoint(one.prompt for one in found)
    assert all([m["role"] for m in one.messages] == ["user", "assistant"] * 2 + ["user"] for one in found)


def test_the_choice_is_the_seeds(tmp_path):
    made = rows(tmp_path)
    assert unseen_questions(made, 2, seed=0) == unseen_questions(made, 2, seed=0)
    assert len({tuple(sorted(one.id for one in unseen_questions(made, 2, seed))) for seed in range(4)}) > 1
