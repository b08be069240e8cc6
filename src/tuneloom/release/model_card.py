"""The card of an exported model: base, method, data with their licences, scores, template, lineage; Markdown with YAML
above, as the Hugging Face Hub reads it. All of it is read from artifacts; nothing of a row's text is in it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tuneloom import __version__
from tuneloom.artifacts import Artifact
from tuneloom.models.resolve import ModelSource
from tuneloom.release.description import describe
from tuneloom.release.lineage import stage_keys, trained_on
from tuneloom.release.package import base_name
from tuneloom.text.personal_data import mask

TEMPLATE_SHOWN = 4_000
"""Characters of the chat template that are shown."""
_FACTS = {
    "method": "Method",
    "steps": "Optimiser steps",
    "tokens": "Tokens trained on",
    "supervised_tokens": "of them supervised",
    "trained_parameters": "Parameters trained",
    "first_loss": "Loss of the first step",
    "last_loss": "Loss of the last step",
    "dtype": "Computed in",
    "device": "on",
}


@dataclass(frozen=True)
class Exported:
    """What is told of: the pipeline's name, the base, the train artifact with its lineage (itself among them), the
    evaluation where it was scored, and the number format that the weights are stored in."""

    name: str
    base: ModelSource
    tuned: Artifact
    lineage: Sequence[Artifact]
    evaluation: Artifact | None
    dtype: str


def model_card(exported: Exported, folder: Path) -> str:
    """The card of the model in `folder`, which it reads for the architecture and the chat template."""
    told = "\n\n".join(
        [
            _head(exported, folder),
            f"# {exported.name}",
            f"Merged into one model in float32 and stored in {exported.dtype}, by Tuneloom {__version__}. "
            "It needs nothing but transformers:",
            _USE[_task(folder)],
            _scores(exported),
            "## Licences",
            _licenses(exported),
            "## Training",
            _training(exported.tuned),
            "## Chat template",
            _template(exported, folder),
            "## Lineage",
            _lineage(exported),
        ]
    )
    return mask(told) + "\n"


_USE = {
    "text-generation": "```python\nfrom transformers import pipeline\n\n"
    'chat = pipeline("text-generation", "PATH OF THIS FOLDER")\n'
    'print(chat([{"role": "user", "content": "Hello!"}], max_new_tokens=64)[0]["generated_text"][-1])\n```',
    "text2text-generation": "```python\nfrom transformers import AutoModelForSeq2SeqLM, AutoTokenizer\n\n"
    'folder = "PATH OF THIS FOLDER"\n'
    "model, tokenizer = AutoModelForSeq2SeqLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)\n"
    'answer = model.generate(**tokenizer("Hello!", return_tensors="pt"), max_new_tokens=64)[0]\n'
    "print(tokenizer.decode(answer, skip_special_tokens=True))\n```",
}


def _task(folder: Path) -> str:
    config = json.loads((folder / "config.json").read_text("utf-8"))
    return "text2text-generation" if config.get("is_encoder_decoder") else "text-generation"


def _head(exported: Exported, folder: Path) -> str:
    rendered = next((one for one in exported.lineage if one.reference.stage == "render"), None)
    spoken = sorted(rendered.stats.get("languages", {})) if rendered else []
    head = {
        "base_model": base_name(exported.base),
        "base_model_relation": "finetune",
        "library_name": "transformers",
        "pipeline_tag": _task(folder),
        "license": "other",
        "license_name": "see-licences-below",
        "language": [language for language in spoken if language.isalpha()],
        "tags": ["tuneloom"],
    }
    return f"---\n{yaml.safe_dump(head, sort_keys=False, allow_unicode=True)}---"


def _scores(exported: Exported) -> str:
    data, stats = trained_on(exported.lineage), exported.tuned.stats
    used = (stats["tokens"], stats["tokens_available"]) if "tokens_available" in stats else None
    evaluation = exported.evaluation
    verdict = json.loads(evaluation.path("verdict.json").read_text("utf-8")) if evaluation else None
    return "## Scores and data\n\n" + describe(verdict, base_name(exported.base), data, used)


def _licenses(exported: Exported) -> str:
    names = sorted({one.license for one in trained_on(exported.lineage)})
    return (
        f"Of the data: {', '.join(names) or 'unknown'}. Of the base, {base_name(exported.base)}: its own. "
        "Which licence this model may bear follows from all of these; none is chosen here."
    )


def _training(tuned: Artifact) -> str:
    settings = tuned.manifest.spec["config"]
    facts = {label: tuned.stats[name] for name, label in _FACTS.items() if tuned.stats.get(name) is not None}
    return _table([*facts.items(), *((f"`train.{name}`", value) for name, value in settings.items())])


def _template(exported: Exported, folder: Path) -> str:
    rendered = next((one for one in exported.lineage if one.reference.stage == "render"), None)
    digest = rendered.stats.get("template") if rendered else None
    told = f"Digest `{digest or 'unknown'}`. It lies in the folder, and transformers applies it."
    file = folder / "chat_template.jinja"
    if not file.is_file():
        return "None: prompts are given as they are." if not digest or _task(folder) != "text-generation" else told
    text = file.read_text("utf-8")
    more = f"\n{{# and {len(text) - TEMPLATE_SHOWN:,} more characters #}}" if len(text) > TEMPLATE_SHOWN else ""
    return f"{told}\n\n````jinja\n{text[:TEMPLATE_SHOWN]}{more}\n````"


def _lineage(exported: Exported) -> str:
    rows = [("base", f"`{exported.base.digest}`"), *_stages(exported.lineage)]
    return "Keys of the artifacts that it came from, back to the sources.\n\n" + _table(rows, ("stage", "artifact"))


def _stages(lineage: Sequence[Artifact]) -> Iterator[tuple[str, str]]:
    for stage, key in stage_keys(lineage).items():
        yield stage, f"`{key}`"


def _table(rows: Sequence[tuple[str, Any]], head: tuple[str, str] = ("", "")) -> str:
    lines = [f"| {name} | {_cell(value)} |" for name, value in rows]
    return "\n".join([f"| {head[0]} | {head[1]} |", "|---|---|", *lines])


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
