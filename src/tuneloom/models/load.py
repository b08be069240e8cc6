"""Open models, tokenizers and adapters; a packaged GGUF becomes safetensors once, in the user's cache.

transformers dequantises GGUF tensor by tensor (12 to 37 s for 135M parameters); from safetensors it is under 1 s.
"""

import os
import shutil
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tuneloom.artifacts import user_cache
from tuneloom.artifacts.locks import lock
from tuneloom.errors import ConfigError, MissingFile, UnknownModel
from tuneloom.models.base_chat import with_chat
from tuneloom.models.kind import is_encoder_decoder
from tuneloom.models.resolve import ModelSource

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Attention = Literal["segment", "sdpa"]


def model_folder(source: ModelSource, say: Callable[[str], None] = lambda text: None) -> Path:
    """The folder that transformers can open: converts a packaged GGUF to float32 safetensors, and gives a base model
    without a chat template one, where not yet done, and says so."""
    if source.path is None:
        raise UnknownModel(f"{source.name!r} has no files here", where="config key `model`", remedy="Give a folder.")
    if source.kind != "packaged":
        return with_chat(source.path, source.digest, say)
    models = user_cache() / "models"
    folder = models / source.digest
    if _is_whole(folder):
        return folder
    with lock(models / f"{source.digest}.lock", f"the conversion of {source.name}", seconds=600):
        if not _is_whole(folder):
            say(f"  converting {source.name} to safetensors, once (12 to 40 s)")
            _convert(source.path, folder)
    return folder


def folder_at_hand(source: ModelSource) -> Path | None:
    """A folder with the model's safetensors, without converting or fetching anything; None where there is none yet."""
    if source.path is None:
        return None
    folder = user_cache() / "models" / source.digest if source.kind == "packaged" else source.path
    return folder if (folder / "config.json").is_file() else None


def load_tokenizer(folder: Path) -> "PreTrainedTokenizerBase":
    """The tokenizer of a model folder, with its chat template."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(_checked(folder))


def load_model(
    folder: Path, dtype: str = "float32", attention: Attention = "sdpa", device: str = "cpu"
) -> "PreTrainedModel":
    """The language model of a folder, causal or encoder-decoder, in evaluation mode, with weights in `dtype`.

    `attention="segment"` is for packed rows of causal models (models/attention.py); "sdpa" is the authors' own where an
    architecture has none (Gemma 2).
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

    from tuneloom.models.attention import register_segment_attention

    quiet_transformers()
    register_segment_attention()
    place, options = _checked(folder), {"dtype": getattr(torch, dtype), "use_safetensors": True}
    if is_encoder_decoder(folder):
        model = AutoModelForSeq2SeqLM.from_pretrained(place, **options)
    else:
        own = {"attn_implementation": attention} if attention == "segment" else {}  # else sdpa where there is one
        model = AutoModelForCausalLM.from_pretrained(place, **own, **options)
    return model.to(device).eval()


def load_adapter(model: "PreTrainedModel", adapter_folder: Path, trainable: bool = False) -> "PeftModel":
    """`model` with a saved adapter on it, frozen unless `trainable`, in evaluation mode. Changes `model` in place.

    Raises MissingFile for a folder without an adapter, ConfigError where it was made for another base.
    """
    from peft import PeftModel

    for name in ("adapter_config.json", "adapter_model.safetensors"):
        if not (adapter_folder / name).is_file():
            raise MissingFile(
                f"the adapter folder has no {name}", where=str(adapter_folder), remedy="Give the folder of an adapter."
            )
    try:
        return PeftModel.from_pretrained(model, str(adapter_folder), is_trainable=trainable).eval()
    except (RuntimeError, ValueError) as error:  # shapes, or module names, that the base does not have
        raise ConfigError(
            f"the adapter does not fit this base: {str(error).strip().splitlines()[0]}",
            where=str(adapter_folder),
            remedy="Load it on the base that it was trained on.",
        ) from error


def _convert(gguf: Path, folder: Path) -> None:
    """GGUF -> safetensors in a folder beside `folder`, synced, then renamed into place. Call under the lock."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    quiet_transformers()
    for left in folder.parent.glob(f".{folder.name}.*"):  # of a conversion that was killed; we hold the lock
        shutil.rmtree(left)
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype="float32")
        _forget_quantisation(model)
        model.save_pretrained(part)
        AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(part)
        _sync(part)
        shutil.rmtree(folder, ignore_errors=True)  # a damaged earlier one
        os.replace(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _forget_quantisation(model: "PreTrainedModel") -> None:
    """The weights are float32 by now, but transformers 5.23 refuses to save what it believes to be quantised."""
    for owner, name in [
        (model.config, "quantization_config"),
        (model, "hf_quantizer"),
        (model, "is_quantized"),
        (model, "quantization_method"),
    ]:
        if name in vars(owner):
            delattr(owner, name)


def _sync(folder: Path) -> None:
    """Flushes the files and the folder itself to the disk."""
    for path in [*folder.iterdir(), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _is_whole(folder: Path) -> bool:
    return all((folder / name).is_file() for name in ("config.json", "model.safetensors", "tokenizer.json"))


def _checked(folder: Path) -> str:
    if not (folder / "config.json").is_file():
        raise MissingFile(
            "the model folder has no config.json", where=str(folder), remedy="Give the folder of a whole model."
        )
    return str(folder)


def quiet_transformers() -> None:
    """No progress bars of transformers between our own lines, no warning of calls that PEFT makes, not we."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
