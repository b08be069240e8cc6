"""A chat template for base models that bring none: ChatML, its two tokens added where the vocabulary lacks them.

The model is written once to the user's cache with a tokenizer that knows the tokens, and a row for each in embedding
and head: the mean of all rows (Hewitt 2021), so that a new token is at first as likely as any. They mean nothing until
trained; `train` trains them beside whatever else it does.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuneloom.artifacts import user_cache
from tuneloom.artifacts.locks import lock
from tuneloom.models.kind import is_encoder_decoder
from tuneloom.models.resolve import ModelSource

if TYPE_CHECKING:
    from transformers import PreTrainedModel

VERSION = "chatml-1"
"""Of the template and the preparation; part of the keys of what is rendered with it."""
TOKENS = ("<|im_start|>", "<|im_end|>")
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
_TEMPLATES = ("chat_template.jinja", "chat_template.json", "additional_chat_templates")
NOTE = "tuneloom_chat.json"
"""The file of a prepared folder that names the new tokens."""


@dataclass(frozen=True)
class Addition:
    """What a model without a chat template gets; `tokens` are those that its vocabulary lacks."""

    tokens: tuple[str, ...]

    @property
    def told(self) -> str:
        """A line for the plan."""
        many = f"{len(self.tokens)} tokens added ({', '.join(self.tokens)}), whose embeddings train"
        return f"no chat template: ChatML is used, {many if self.tokens else 'its tokens are in the vocabulary'}"


def chat_addition(folder: Path) -> Addition | None:
    """What the model in `folder` needs to chat: None where it has a template, needs none, or has no tokenizer.json."""
    tokenizer, config = folder / "tokenizer.json", folder / "tokenizer_config.json"
    if not tokenizer.is_file() or is_encoder_decoder(folder):
        return None
    if any((folder / name).exists() for name in _TEMPLATES):
        return None
    if config.is_file() and json.loads(config.read_text("utf-8")).get("chat_template"):
        return None
    tree = json.loads(tokenizer.read_text("utf-8"))
    known = {token["content"] for token in tree.get("added_tokens", ())} | set(tree["model"].get("vocab", ()))
    return Addition(tuple(token for token in TOKENS if token not in known))


def planned_addition(model: ModelSource) -> Addition | None:
    """What the model of a plan needs to chat; packaged ones bring their template."""
    return chat_addition(model.path) if model.path and model.kind != "packaged" else None


def with_chat(folder: Path, digest: str, say: Callable[[str], None] = lambda text: None) -> Path:
    """`folder`, or where it has no chat template its prepared twin in the cache, made where it is not yet there."""
    addition = chat_addition(folder)
    if addition is None:
        return folder
    models = user_cache() / "models"
    prepared = models / f"{digest}-{VERSION}"
    with lock(models / f"{prepared.name}.lock", f"the preparation of {folder.name}", seconds=600):
        if not (prepared / NOTE).is_file():
            say(f"  {addition.told}")
            _prepare(folder, prepared, addition)
    return prepared


def new_tokens(folder: Path) -> list[int]:
    """Ids of the tokens that the preparation added, whose embeddings are untrained; [] for any other folder."""
    note = folder / NOTE
    return json.loads(note.read_text("utf-8"))["new_tokens"] if note.is_file() else []


def _prepare(folder: Path, prepared: Path, addition: Addition) -> None:
    """Writes the twin beside its place, then renames it. Call under the lock."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    part = Path(tempfile.mkdtemp(prefix=f".{prepared.name}.", dir=prepared.parent))
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        model = AutoModelForCausalLM.from_pretrained(str(folder), dtype="auto", use_safetensors=True)
        ids = _add_tokens(tokenizer, addition)
        _add_rows(model, len(tokenizer), ids)
        stops = [model.generation_config.eos_token_id, tokenizer.eos_token_id]
        model.generation_config.eos_token_id = [stop for stop in stops if isinstance(stop, int)]
        model.save_pretrained(part)
        tokenizer.save_pretrained(part)
        (part / NOTE).write_text(json.dumps({"new_tokens": ids, "tokens": list(addition.tokens)}), "utf-8")
        shutil.rmtree(prepared, ignore_errors=True)  # a damaged earlier one
        os.replace(part, prepared)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _add_tokens(tokenizer: Any, addition: Addition) -> list[int]:
    """Ids of the added tokens; the tokenizer ends turns with ChatML's end and pads with what it had."""
    begins = bool(tokenizer.bos_token) and tokenizer("").input_ids[:1] == [tokenizer.bos_token_id]
    pad, former_end = tokenizer.pad_token, tokenizer.eos_token
    tokenizer.add_special_tokens({"additional_special_tokens": list(TOKENS)})
    tokenizer.eos_token = TOKENS[-1]
    tokenizer.pad_token = pad or former_end or TOKENS[-1]
    tokenizer.chat_template = ("{{ bos_token }}" if begins else "") + TEMPLATE
    return tokenizer.convert_tokens_to_ids(list(addition.tokens))


def _add_rows(model: "PreTrainedModel", vocabulary: int, ids: list[int]) -> None:
    """A row for each id in embedding and head, the mean of the rows there were; models padded beyond stay as large."""
    import torch

    layers = [model.get_input_embeddings(), model.get_output_embeddings()]
    known = min(ids, default=vocabulary)
    means = [layer.weight.detach()[:known].float().mean(0) for layer in layers]
    if vocabulary > len(layers[0].weight):
        model.resize_token_embeddings(vocabulary, mean_resizing=False)
    with torch.no_grad():
        for layer, mean in zip([model.get_input_embeddings(), model.get_output_embeddings()], means, strict=True):
            layer.weight[ids] = mean.to(layer.weight.dtype)
