"""From what a user calls a model, or a run, to what can be asked and compared.

A model is a name of the packaged or the hub's, a folder (a whole model, an adapter, or one of ours with its card), or
`models:/NAME@champion`. A run is what `tuneloom runs` lists, `last` or `released`.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from tuneloom.artifacts import Artifact, Reference, Spec, Store, Writer, code_digest
from tuneloom.artifacts.manifest import file_digest
from tuneloom.errors import ConfigError, MissingFile
from tuneloom.evaluate.alone import Scores, score_alone, scores_at_hand
from tuneloom.evaluate.asking import Progress
from tuneloom.evaluate.side_by_side import Line, comparison_page
from tuneloom.evaluate.sides import Side, side_of_run, side_of_scores
from tuneloom.evaluate.subjects import Subject
from tuneloom.models.resolve import resolve_model
from tuneloom.records import canonical, digest
from tuneloom.release.load import BASE_PATH_TAG, find_base, find_registered, registered_files
from tuneloom.release.package import CARD, read_card
from tuneloom.runs import RunRecord, find_run
from tuneloom.suites import Suite

_RUN = re.compile(r"[0-9a-f]{4,32}|last|released")


def find_model(name: str, home: Path) -> Subject:
    """A model by its name. Raises UnknownModel, ConfigError for another base than the one it was tuned from."""
    if name.startswith("models:/"):
        version = find_registered(name, home)
        folder, _ = registered_files(f"models:/{version.name}/{version.version}", home)
        bases = [version.tags[BASE_PATH_TAG]] if BASE_PATH_TAG in version.tags else []
        return _packed(f"models:/{version.name}/{version.version}", folder, bases)
    folder = Path(name).expanduser()
    if (folder / CARD).is_file():
        return _packed(name, folder, [])
    if (folder / "adapter_config.json").is_file():
        base = json.loads((folder / "adapter_config.json").read_text("utf-8"))["base_model_name_or_path"]
        return _tuned(name, Subject(name, resolve_model(base), folder))
    source = resolve_model(name)
    return Subject(name, source, None, source.digest)


def ask_named(names: Sequence[str], suites: Sequence[Suite], store: Store, home: Path, on_progress: Progress) -> Scores:
    """Scores of the models among these names on the suites, asked where they were not; a run was asked what it was."""
    models = [find_model(name, home) for name in names if run_named(name, store) is None]
    return score_alone(store, models, suites, on_progress)


def find_sides(names: Sequence[str], store: Store, home: Path, scores: Scores | None = None) -> list[Side]:
    """What is known of each model or run; of models `scores`, else what the store has.

    Raises MissingFile for a model that no suite was asked, ConfigError for a run that came to no evaluation.
    """
    return [_side_of(name, store, home, scores) for name in names]


def keep_page(first: Side, second: Side, lines: Sequence[Line], missing: Sequence[str], store: Store) -> Path:
    """The comparison as a page in the store; no row's words are in it, for a takedown does not reach it."""
    page = comparison_page(first, second, lines, missing)
    spec = Spec("comparison", code_digest("tuneloom.evaluate"), inputs={"page": digest(page)})

    def build(writer: Writer) -> None:
        writer.file("comparison.md").write_text(page, "utf-8")

    return store.ensure(spec, build).path("comparison.md")


def run_named(name: str, store: Store) -> RunRecord | None:
    """The run of that name; None for what is a model's."""
    if not _RUN.fullmatch(name) or Path(name).exists():
        return None
    return find_run(store, name)


def report_of(run: RunRecord, store: Store) -> Path | None:
    """The run's report, where it has one."""
    found = store.find(Reference("report", run.stages["report"])) if "report" in run.stages else None
    return found.path("report.html") if found else None


def _side_of(name: str, store: Store, home: Path, known: Scores | None) -> Side:
    run = run_named(name, store)
    if run:
        return side_of_run(f"run {run.identity[:12]}", _evaluation(run, store))
    model = find_model(name, home)
    scores = known[str(model.digest)] if known else scores_at_hand(store, model)
    if not scores:
        raise MissingFile(
            f"{name} was asked no suite yet",
            where=store.url,
            remedy=f"Ask both models: tuneloom evaluate {name} --suite mood_en ... --baseline OTHER.",
        )
    return side_of_scores(model.name, model.base.digest, scores)


def _evaluation(run: RunRecord, store: Store) -> Artifact:
    found = store.find(Reference("evaluate", run.stages["evaluate"])) if "evaluate" in run.stages else None
    if found is None:
        raise ConfigError(
            f"run {run.identity[:12]} has no evaluation",
            where=store.url,
            remedy="It stopped earlier, or its artifact is gone: run it again.",
        )
    return found


def _packed(name: str, folder: Path, bases: Sequence[str]) -> Subject:
    card = read_card(folder)
    return _tuned(name, Subject(name, find_base(card, bases), folder))


def _tuned(name: str, subject: Subject) -> Subject:
    """With the digest of base and tuned weights; where they lie does not count."""
    folder = subject.tuned or Path()
    files = [
        [path.name, file_digest(path)]
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name.startswith(("adapter_", "model", "tokenizer", "chat_template", "config"))
    ]
    return Subject(name, subject.base, subject.tuned, digest(canonical([subject.base.digest, files])))
