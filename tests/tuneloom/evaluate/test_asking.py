"""All models, all questions: stored in an order that does not tell who was asked first."""

import pyarrow.compute as pc

from tests.tiny_seq2seq import make_tiny_bart
from tuneloom.evaluate.asking import Own, Said, ask_models, in_order
from tuneloom.evaluate.items import ITEMS, items_table
from tuneloom.evaluate.metrics import Scored
from tuneloom.evaluate.questions import Wanted, said, wanted_of
from tuneloom.models.load import load_model, load_tokenizer
from tuneloom.suites import load_suite


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


def test_an_encoder_decoder_answers_a_suite_in_every_reading(tmp_path):
    (tmp_path / "mood.yaml").write_text(
        "kind: classification\nlabels: [good, bad]\nmax_new_tokens: 4\nprompt: '{text}'\n"
        "rows: [{text: A dull film., answer: bad}, {text: A fine film., answer: good}]",
        "utf-8",
    )
    suite, folder = load_suite(tmp_path / "mood.yaml"), make_tiny_bart(tmp_path / "bart")
    models = [("base", load_model(folder), load_tokenizer(folder))]
    said = ask_models(
        models, 1, Own([], [], 8, False), [suite], {suite.name: wanted_of(suite)}, lambda what, done, total: None
    )
    items, outputs = in_order(said)
    readings = {name for name in items["metric"].to_pylist() if name.startswith("mood.accuracy")}
    assert readings == {"mood.accuracy", *(f"mood.accuracy.{way}" for way in ("sum", "character", "byte", "pmi"))}
    assert not pc.any(pc.equal(outputs["state"], "not asked")).as_py()
