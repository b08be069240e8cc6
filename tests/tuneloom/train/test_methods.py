"""Every method trains as transformers and PEFT train it plainly: same weights, same rows, the same loss, gradient and
curve; and what is saved loads in plain PEFT on the base as it was."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.tiny_seq2seq import make_tiny_t5
from tests.token_rows import one_row_packs, token_rows
from tuneloom.config import Train
from tuneloom.models.load import load_model
from tuneloom.models.token_row import TokenRow
from tuneloom.train.adapters import attach, save_trained
from tuneloom.train.methods import factors
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
