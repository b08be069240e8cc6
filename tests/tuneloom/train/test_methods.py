"""Every method trains as transformers and PEFT train it plainly: same weights, same rows, the same loss, gradient and
curve; and what is saved loads in plain PEFT on the base as it was."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.tiny_seq2seq import make_tiny_t5
from tests.token_rows import one_row_packs, token_rows
from tests.tuneloom.train.test_checkpoint import SETTINGS as CHECKPOINTED
from tests.tuneloom.train.test_checkpoint import Stopped, assert_equal, run, stop_in
from tuneloom.config import Train
from tuneloom.errors import ConfigError
from tuneloom.models.load import load_adapter, load_model
from tuneloom.models.token_row import TokenRow
from tuneloom.train.adapters import attach, save_trained
from tuneloom.train.methods import factors, parameter_groups
from tuneloom.train.schedule import learning_rate
from tuneloom.train.trainer import train

COMMON: dict[str, Any] = {"rank": 4, "alpha": 8, "tokens_per_step": 30, "learning_rate": 0.005, "epochs": 4.0}


@dataclass(frozen=True)
class Method:
    """Our settings, and what a person would tell PEFT by hand."""

    name: str
    ours: dict[str, Any]
    peft: dict[str, Any] = field(default_factory=dict)
    seq2seq: dict[str, str] = field(default_factory=dict)
    """Other names for the modules of a T5."""


METHODS = [
    Method("lora", {}),
    Method("names", {"target_modules": ("q_proj", "v_proj")}, {"target_modules": ["q_proj", "v_proj"]},
           {"q_proj": "q", "v_proj": "v"}),
    Method("regex", {"target_modules": r".*\.(q_proj|o_proj)"}, {"target_modules": r".*\.(q_proj|o_proj)"},
           {"q_proj": "q", "o_proj": "o"}),
    Method("modules_to_save", {"modules_to_save": ("norm", "lm_head")}, {"modules_to_save": ["norm", "lm_head"]},
           {"norm": "final_layer_norm"}),
    Method("dora", {"method": "dora"}, {"use_dora": True}),
    Method("rslora", {"rslora": True}, {"use_rslora": True}),
    Method("gaussian", {"init": "gaussian"}, {"init_lora_weights": "gaussian"}),
    Method("orthogonal", {"init": "orthogonal"}, {"init_lora_weights": "orthogonal"}),
    Method("olora", {"init": "olora"}, {"init_lora_weights": "olora"}),
    Method("pissa", {"init": "pissa"}, {"init_lora_weights": "pissa"}),
    Method("pissa and rslora", {"init": "pissa", "rslora": True}, {"init_lora_weights": "pissa", "use_rslora": True}),
    Method("pissa and dora", {"init": "pissa", "method": "dora"}, {"init_lora_weights": "pissa", "use_dora": True}),
    Method("lora_plus", {"lora_plus": 8.0}),
    Method("neftune", {"neftune": 5.0}),
    Method("neftune and dora", {"neftune": 5.0, "method": "dora"}, {"use_dora": True}),
    Method("full", {"method": "full"}),
]  # fmt: skip


@dataclass(frozen=True)
class Curve:
    """Loss and gradient norm of each step."""

    losses: list[float]
    norms: list[float]


@pytest.fixture(scope="module")
def folders(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {"causal": tiny_model, "seq2seq": make_tiny_t5(tmp_path_factory.mktemp("t5"))}


def rows_of(kind: str) -> list[TokenRow]:
    """As render makes them: of an encoder-decoder the input, then all of the target."""
    return token_rows(vocabulary=100 if kind == "seq2seq" else 400, lengths=(12, 4, 31, 7, 20, 5))


def named(method: Method, kind: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings and PEFT's arguments with the module names of this kind of model."""

    def translate(value: Any) -> Any:
        if isinstance(value, str):
            for causal, other in method.seq2seq.items():
                value = value.replace(causal, other)
            return value
        return type(value)(map(translate, value)) if isinstance(value, list | tuple) else value

    if kind == "causal":
        return method.ours, method.peft
    return ({k: translate(v) for k, v in each.items()} for each in (method.ours, method.peft))  # type: ignore[return-value]


def plain_model(folder: Path, kind: str) -> Any:
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

    loader = AutoModelForCausalLM if kind == "causal" else AutoModelForSeq2SeqLM
    return loader.from_pretrained(folder, dtype="float32")


def plain_peft(model: Any, kind: str, arguments: dict[str, Any]) -> Any:
    from peft import LoraConfig, get_peft_model

    given = {"target_modules": "all-linear", "r": 4, "lora_alpha": 8, **arguments}
    torch.manual_seed(1)
    return get_peft_model(model, LoraConfig(task_type="CAUSAL_LM" if kind == "causal" else "SEQ_2_SEQ_LM", **given))


def plain_loss(model: Any, row: TokenRow, kind: str) -> tuple[torch.Tensor, int]:
    """transformers' own loss of one row: its sum, and its supervised tokens."""
    ids, mask = torch.tensor(row.ids.astype(np.int64)), torch.tensor(row.loss_mask.astype(bool))
    given, labels = (ids, torch.where(mask, ids, -100)) if kind == "causal" else (ids[~mask], ids[mask])
    count = int((labels[1:] if kind == "causal" else labels).ne(-100).sum())
    return model(input_ids=given[None], labels=labels[None], use_cache=False).loss * count, count


def plain_training(
    model: Any, rows: Sequence[TokenRow], settings: Train, kind: str, optimiser: torch.optim.Optimizer
) -> Curve:
    """A loop that anybody would write: row by row, AdamW, clipping, our schedule."""
    if settings.neftune:
        from transformers.integrations.neftune import neftune_post_forward_hook

        embeddings = (model if kind == "causal" else model.get_encoder()).get_input_embeddings()
        embeddings.neftune_noise_alpha = settings.neftune
        embeddings.register_forward_hook(neftune_post_forward_hook)
    model.train()
    curve, plan = Curve([], []), one_row_packs(rows, settings, 1)
    ratios = [group["lr"] / settings.learning_rate for group in optimiser.param_groups]
    torch.manual_seed(1)
    for number, step in enumerate(plan):
        parts = []
        supervised = 0
        for place in step.rows:
            loss, count = plain_loss(model, rows[place], kind)
            loss.backward()
            parts.append(float(loss.detach()))
            supervised += count
        trained = [p for p in model.parameters() if p.requires_grad]
        for parameter in trained:
            parameter.grad /= supervised
        curve.losses.append(sum(parts) / supervised)
        curve.norms.append(float(torch.nn.utils.clip_grad_norm_(trained, settings.max_grad_norm)))
        for group, ratio in zip(optimiser.param_groups, ratios, strict=True):
            group["lr"] = learning_rate(number, len(plan), settings) * ratio
        optimiser.step()
        optimiser.zero_grad()
    return curve


def optimiser_of(model: Any, settings: Train) -> torch.optim.Optimizer:
    if settings.lora_plus == 1:
        return torch.optim.AdamW(
            [p for p in model.parameters() if p.requires_grad], lr=settings.learning_rate, weight_decay=0
        )
    from peft.optimizers import create_loraplus_optimizer

    return create_loraplus_optimizer(
        model, torch.optim.AdamW, lr=settings.learning_rate, loraplus_lr_ratio=settings.lora_plus, weight_decay=0
    )


def ours(folder: Path, rows: Sequence[TokenRow], settings: Train, saved: Path) -> tuple[Curve, Any]:
    """Trains and saves; curve and model."""
    model = attach(load_model(folder), settings, 1)
    begun = factors(model, settings)
    report = train(model, rows, one_row_packs(rows, settings, 1), settings, 1)
    save_trained(model, saved, "tiny", begun)
    return Curve([s.loss for s in report.steps], [s.grad_norm for s in report.steps]), model


def logits(model: Any, row: TokenRow, kind: str) -> torch.Tensor:
    ids = torch.tensor(row.ids.astype(np.int64))[None]
    with torch.no_grad():
        return model.eval()(input_ids=ids, use_cache=False, **({} if kind == "causal" else {"labels": ids})).logits


@pytest.mark.parametrize("kind", ["causal", "seq2seq"])
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_a_method_trains_as_transformers_and_peft_do(
    folders: dict[str, Path], tmp_path: Path, method: Method, kind: str
) -> None:
    from peft import PeftModel

    given, arguments = named(method, kind)
    alone = (
        {"micro_batch_tokens": 1} if kind == "seq2seq" and "neftune" in given else {}
    )  # padding changes what is drawn
    settings, rows = Train(**{**COMMON, **given, **alone}), rows_of(kind)
    found, trained = ours(folders[kind], rows, settings, tmp_path / "saved")

    plain = plain_model(folders[kind], kind)
    if settings.method != "full":
        plain = plain_peft(plain, kind, arguments)
    wanted = plain_training(plain, rows, settings, kind, optimiser_of(plain, settings))
    assert len(found.losses) > 6
    assert found.losses[0] == pytest.approx(wanted.losses[0], rel=1e-5)
    assert found.norms[0] == pytest.approx(wanted.norms[0], rel=1e-5)
    assert found.losses == pytest.approx(wanted.losses, rel=1e-3)

    if settings.method != "full":
        loaded = PeftModel.from_pretrained(plain_model(folders[kind], kind), str(tmp_path / "saved"))
        assert {p.dtype for n, p in loaded.named_parameters() if "lora_" in n} == {torch.float32}
        torch.testing.assert_close(logits(loaded, rows[2], kind), logits(trained, rows[2], kind), rtol=1e-5, atol=1e-5)


def test_a_continued_adapter_trains_on_as_it_does_in_plain_peft(tiny_model: Path, tmp_path: Path) -> None:
    from peft import PeftModel

    rows, settings = rows_of("causal"), Train(**COMMON)
    before = ours(tiny_model, rows, settings, tmp_path / "before")[0]
    again = settings.model_copy(update={"rank": 64})  # the adapter's own rank holds
    model = attach(load_model(tiny_model), again, 1, continued=tmp_path / "before")
    report = train(model, rows, one_row_packs(rows, settings, 1), again, 1)
    plain = PeftModel.from_pretrained(plain_model(tiny_model, "causal"), str(tmp_path / "before"), is_trainable=True)
    wanted = plain_training(plain, rows, settings, "causal", optimiser_of(plain, settings))
    assert [step.loss for step in report.steps] == pytest.approx(wanted.losses, rel=1e-3)
    assert report.steps[0].grad_norm == pytest.approx(wanted.norms[0], rel=1e-5)
    assert report.steps[0].loss < 0.9 * before.losses[0]
    assert {p.shape[0] for n, p in model.named_parameters() if "lora_A" in n} == {4}


def test_an_adapter_of_another_method_is_not_continued(tiny_model: Path, tmp_path: Path) -> None:
    ours(tiny_model, rows_of("causal"), Train(**COMMON), tmp_path / "lora")
    with pytest.raises(ConfigError, match="was trained by `lora`, not by `dora`"):
        attach(load_model(tiny_model), Train(method="dora"), 1, continued=tmp_path / "lora")


def test_dora_begins_as_the_base_and_trains_a_length_for_each_output(tiny_model: Path) -> None:
    base, row = load_model(tiny_model), rows_of("causal")[2]
    wanted = logits(base, row, "causal")
    model = attach(base, Train(method="dora", rank=4), 1)
    torch.testing.assert_close(logits(model, row, "causal"), wanted, rtol=1e-5, atol=1e-5)
    lengths = {n: p for n, p in model.named_parameters() if "lora_magnitude_vector" in n}
    assert len(lengths) == 2 * 7
    layer = model.get_base_model().model.layers[0].self_attn.q_proj
    size = layer.lora_magnitude_vector["default"].weight
    torch.testing.assert_close(size, torch.linalg.norm(layer.base_layer.weight, dim=1))
    assert all(p.requires_grad and p.dtype == torch.float32 for p in lengths.values())


def test_dora_learns_direction_and_length_apart_from_each_other(tiny_model: Path, tmp_path: Path) -> None:
    """W' = m (W + s B A) / |W + s B A|, row by row (Liu et al. 2024, equation 5)."""
    _, model = ours(tiny_model, rows_of("causal"), Train(**COMMON, method="dora"), tmp_path / "dora")
    layer = model.get_base_model().model.layers[1].mlp.up_proj
    direction = layer.base_layer.weight + 2 * layer.lora_B["default"].weight @ layer.lora_A["default"].weight
    wanted = layer.lora_magnitude_vector["default"].weight[:, None] * torch.nn.functional.normalize(direction, dim=1)
    given = torch.randn(5, 32)
    torch.testing.assert_close(layer(given), given @ wanted.T, rtol=1e-4, atol=1e-5)


def test_doras_lengths_do_not_decay(tiny_model: Path) -> None:
    model = attach(load_model(tiny_model), Train(method="dora", weight_decay=0.1, lora_plus=4), 1)
    groups = parameter_groups(model, Train(method="dora", weight_decay=0.1, lora_plus=4))
    names = {id(p): n for n, p in model.named_parameters()}
    kinds = {(g["weight_decay"], g["rate_factor"]): {names[id(p)].split(".")[-3] for p in g["params"]} for g in groups}
    assert kinds[(0.1, 4.0)] == {"lora_B"}
    assert kinds[(0.1, 1.0)] == {"lora_A"}
    assert kinds[(0.0, 1.0)] == {"lora_magnitude_vector"}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_an_adapter_that_began_as_a_part_of_the_base_fits_the_whole_base_at_twice_the_rank(
    tiny_model: Path, tmp_path: Path, dtype: str
) -> None:
    settings = Train(**{**COMMON, "init": "pissa"})
    model = attach(load_model(tiny_model), settings, 1)
    begun = factors(model, settings)
    rows = rows_of("causal")
    train(model, rows, one_row_packs(rows, settings, 1), settings, 1, dtype)
    save_trained(model, tmp_path / "saved", "tiny", begun)
    told = json.loads((tmp_path / "saved" / "adapter_config.json").read_text())
    assert (told["r"], told["lora_alpha"], told["init_lora_weights"]) == (8, 16, True)
    loaded = load_adapter(load_model(tiny_model), tmp_path / "saved")
    torch.testing.assert_close(
        logits(loaded, rows[2], "causal"), logits(model, rows[2], "causal"), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize(
    "bad", [{"target_modules": ("q_proj", "qproj")}, {"modules_to_save": ("norms",)}], ids=lambda bad: next(iter(bad))
)
def test_a_name_that_no_module_has_is_refused(tiny_model: Path, bad: dict[str, Any]) -> None:
    (key, names), model = next(iter(bad.items())), load_model(tiny_model)
    with pytest.raises(ConfigError, match=f"train.{key} '{names[-1]}' fits no layer"):
        attach(model, Train(**bad), 0)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"method": "full", "rslora": True}, "method `full` trains every weight and has no `rslora`"),
        ({"method": "full", "continue_from": "a"}, "has no `continue_from`"),
        ({"init": "pissa", "four_bit": True}, "which `four_bit` does not allow"),
        ({"init": "olora", "continue_from": "a"}, "which `continue_from` does not allow"),
    ],
)
def test_settings_that_would_be_passed_over_are_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Train(**settings)


@pytest.mark.parametrize(
    "more",
    [
        {"method": "dora", "lora_plus": 4.0},
        {"init": "pissa", "rslora": True},
        {"neftune": 5.0, "modules_to_save": ("norm", "lm_head")},
    ],
    ids=lambda more: " ".join(more),
)
def test_stopped_and_gone_on_with_it_ends_in_the_same_bytes(
    tiny_model: Path, tmp_path: Path, more: dict[str, Any]
) -> None:
    settings = Train(**{**CHECKPOINTED.model_dump(), "learning_rate": 0.002, **more})
    weights = run(tiny_model, tmp_path / "calm", settings)
    for step in (2, 5):
        with pytest.raises(Stopped):
            run(tiny_model, tmp_path / "stopped", settings, stop_in(step))
    assert_equal(run(tiny_model, tmp_path / "stopped", settings), weights)
