"""The compared models: one load of the base, adapters on and off, full models by themselves."""

import pytest
import torch

from tests.tuneloom.evaluate.build import adapter
from tests.tuneloom.render.build import mixture, rendered, talk
from tuneloom.artifacts.keys import Spec
from tuneloom.artifacts.store import Store
from tuneloom.evaluate import subjects as module
from tuneloom.evaluate.subjects import Champion, subjects, trained_folder
from tuneloom.models.load import load_model
from tuneloom.models.resolve import resolve_model
from tuneloom.render.shards import read_rows


@pytest.fixture(scope="module")
def tuned(tmp_path_factory, tiny_model):
    store = tmp_path_factory.mktemp("store")
    rows = mixture(store, [("train", talk("Hi", "Yo"))])
    return adapter(store, tiny_model, read_rows(rendered(store, rows, tiny_model), "train"), 3, "some")


def logits(model) -> torch.Tensor:
    with torch.no_grad():
        return model(torch.tensor([[5, 6, 7]])).logits


def test_the_base_is_loaded_once_and_comes_back_unchanged(tuned, tiny_model, monkeypatch):
    loads = []
    monkeypatch.setattr(module, "load_model", lambda *a, **k: loads.append(a) or load_model(*a, **k))
    champion = Champion("m", 1, trained_folder(tuned), None)
    found = {name: logits(model) for name, model, _ in subjects(resolve_model(str(tiny_model)), tuned, champion)}
    assert list(found) == ["base", "tuned", "champion"]
    assert len(loads) == 1
    assert torch.equal(found["tuned"], found["champion"])
    assert not torch.allclose(found["base"], found["tuned"])


def test_a_fully_tuned_model_is_loaded_by_itself(tmp_path, tiny_model):
    def build(writer):
        for path in sorted(tiny_model.iterdir()):
            writer.file(f"model/{path.name}").write_bytes(path.read_bytes())

    full = Store(tmp_path).ensure(Spec("train", "full"), build)
    found = {name: logits(model) for name, model, _ in subjects(resolve_model(str(tiny_model)), full, None)}
    assert torch.equal(found["base"], found["tuned"])


def test_a_champion_is_always_compared_with(tuned, tiny_model):
    source, champion = resolve_model(str(tiny_model)), Champion("m", 1, trained_folder(tuned))
    assert [name for name, *_ in subjects(source, tuned, champion)] == ["base", "tuned", "champion"]
    assert [name for name, *_ in subjects(source, tuned, None)] == ["base", "tuned"]
