"""What decides a run besides its config: read once, when the run is planned, and keyed by what it says."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tuneloom.config import Config, Gate, Quality
from tuneloom.ingest.hub import is_on_hub
from tuneloom.models.resolve import ModelSource, is_hub_name, resolve_model
from tuneloom.plan.continued import Continued, find_continued
from tuneloom.plan.files import PlannedFile, check_same, planned_files, read_takedowns
from tuneloom.plugin_files import check_names, plugin_digests
from tuneloom.review.decisions import Decision, read_decisions
from tuneloom.suites import Suite, load_suites


@dataclass(frozen=True)
class Inputs:
    """`transforms` are the digests of the quality stage's plugin files, by path, `prompts` is that of the prompt
    templates, `decisions` what people decided in review; `continued` is the adapter that training goes on with;
    `limit` is rows a file."""

    model: ModelSource
    files: tuple[PlannedFile, ...]
    takedowns: frozenset[str]
    transforms: Mapping[str, str]
    prompts: str | None
    decisions: tuple[Decision, ...]
    suites: tuple[Suite, ...]
    limit: int | None
    continued: Continued | None = None


def names_hub(config: Config, folder: Path) -> bool:
    """Whether the model or a source comes from the hub, told by the names alone, before anything is looked up."""
    return is_hub_name(_model(config, folder)) or any(is_on_hub(source.path) for source in config.sources)


def read_inputs(config: Config, folder: Path, home: Path, limit: int | None) -> Inputs:
    """Finds and checks all that the config names, below `folder`. Raises ConfigError and its kin for what is wrong."""
    model = resolve_model(_model(config, folder))
    takedowns = read_takedowns(config, folder)
    _check_rules(config.quality)
    check_names(config.quality.transforms, "quality.transforms")
    suites = tuple(load_suites(config.evaluate.suites, folder, [folder / name for name in config.plugins]))
    _check_guards(config.release.gate, suites)
    return Inputs(
        model=model,
        files=tuple(planned_files(config, folder, home, limit)),
        takedowns=takedowns,
        transforms=plugin_digests(config.quality.transforms, folder),
        prompts=_prompts(config, folder),
        decisions=read_decisions(folder / config.review.decisions if config.review.decisions else None),
        suites=suites,
        limit=limit,
        continued=find_continued(config.train, folder, home, model),
    )


def check_transforms(config: Config, folder: Path, inputs: Inputs) -> None:
    """Raises TuneloomError where a row transform is no longer what quality's key says."""
    check_same("quality.transforms", inputs.transforms, plugin_digests(config.quality.transforms, folder))


def check_prompts(config: Config, folder: Path, inputs: Inputs) -> None:
    """Raises TuneloomError where a prompt template is no longer what render's key says."""
    check_same("render.prompts", inputs.prompts, _prompts(config, folder))


def _model(config: Config, folder: Path) -> str:
    """The model's name, or its path where it is a folder beside the config."""
    return str(folder / config.model) if (folder / config.model).is_dir() else config.model


def _check_rules(quality: Quality) -> None:
    """Raises ConfigError for a rule that is wrong, before anything runs; the shipped ones need no check."""
    if quality != Quality(pii=quality.pii, transforms=quality.transforms):
        from tuneloom.quality.rules import rules_of  # takes half a second, and few configs have rules

        rules_of(quality)


def _check_guards(gate: Gate, suites: tuple[Suite, ...]) -> None:
    if gate.guards and suites:
        from tuneloom.evaluate.gate_plan import check_margins  # numpy and all metrics, which few configs need now

        check_margins(gate, suites)


def _prompts(config: Config, folder: Path) -> str | None:
    """Digest of the prompt templates, each of which is compiled now, so that a faulty one stops nothing half-way."""
    if config.render.prompts is None:
        return None
    from tuneloom.render.prompt_files import load_prompts, prompts_digest

    load_prompts(config.render.prompts, folder)
    return prompts_digest(config.render.prompts, folder)
