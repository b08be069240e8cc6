"""Adapters for the tiny model, made in process: one that changes nothing, one that knows the test rows."""

from collections.abc import Sequence
from pathlib import Path

from tuneloom.artifacts.artifact import Artifact
from tuneloom.artifacts.keys import Spec
from tuneloom.artifacts.store import Store
from tuneloom.models.token_row import TokenRow


def adapter(store: Path, model: Path, rows: Sequence[TokenRow], steps: int, name: str) -> Artifact:
    """A train artifact whose LoRA adapter was fitted to `rows` for `steps` steps; 0 leaves the base as it is."""

    def build(writer):
        writer.stats["chosen_on"] = None
        place = writer.file("adapter/adapter_config.json").parent
        writer.file("adapter/adapter_model.safetensors")
        _fit(model, rows, steps).save_pretrained(place)
        for extra in place.iterdir():
            if extra.name not in ("adapter_config.json", "adapter_model.safetensors"):
                extra.unlink()

    return Store(store).ensure(Spec("train", name), build)


def _fit(folder: Path, rows: Sequence[TokenRow], steps: int):
    import torch
    from peft import LoraConfig, get_peft_model
    from torch.nn.utils.rnn import pad_sequence

    from tuneloom.models.load import load_model

    torch.manual_seed(0)
    model = get_peft_model(load_model(folder), LoraConfig(r=8, lora_alpha=32, target_modules="all-linear"))
    optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=1e-2)
    ids = pad_sequence([torch.tensor(row.ids, dtype=torch.long) for row in rows], batch_first=True)
    mask = pad_sequence([torch.tensor(row.loss_mask, dtype=torch.bool) for row in rows], batch_first=True)
    for _ in range(steps):
        model(input_ids=ids, labels=torch.where(mask, ids, -100)).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return model.eval()
