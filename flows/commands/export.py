"""Export data: rows or rejects of any data stage as JSONL or Parquet; or with --model the tuned model in one piece.

Rejects can be mended and ingested again. Rows of each side are a file of their own. Beside them lies a data card
(FILE.README.md; in an --out folder of its own README.md, which `datasets.load_dataset` reads). Rows leave as they are:
personal data are not masked in them, only in the table of reasons beside rejects.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from flows.arguments import add_config_arguments, add_json_argument

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuneloom.artifacts import Artifact


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """CONFIG, what of it, and where to."""
    add_config_arguments(parser)
    parser.add_argument("--to", choices=("jsonl", "parquet"), default="jsonl", help="messages JSONL, or Parquet")
    parser.add_argument("--stage", metavar="STAGE", help="default: mixture or the last before it; of rejects: ingest")
    parser.add_argument("--model", action="store_true", help="the tuned model, merged, with a model card")
    parser.add_argument("--rejected", action="store_true", help="what the stage rejected, instead of what it kept")
    parser.add_argument("--reason", metavar="REASON", help="only rejects of this reason")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="default: CONFIG-STAGE[-rejected].TO, CONFIG-model; may be a folder",
    )
    add_json_argument(parser)


def run(options: argparse.Namespace) -> int:
    """Writes the file and says what to do with it."""
    import json

    from flows.console import TerminalReporter
    from flows.hints import shown
    from flows.project import finished, plan_of
    from tuneloom.data_card import data_card, made_by
    from tuneloom.errors import ConfigError
    from tuneloom.export import export_rejects, export_rows, reasons_path

    if options.model:
        from flows.exported_model import export_model

        return export_model(options)
    if options.reason and not options.rejected:
        raise ConfigError("--reason needs --rejected", where="tuneloom export", remedy="Only rejects have reasons.")
    reporter = TerminalReporter(to_stderr=options.json)
    plan = plan_of(options, reporter.say)
    found = finished(plan, reporter.say)
    artifact = _artifact(options, found)
    stage = artifact.reference.stage
    default = f"{options.config.stem}-{stage}{'-rejected' if options.rejected else ''}.{options.to}"
    path = options.out or Path(default)
    told: dict[str, object] = {"path": str(path), "stage": stage}
    if options.rejected:
        files = export_rejects(artifact, options.to, path, options.reason)
        told |= {"rows": sum(one.rows for one in files), "rejects": sum(one.rejects for one in files)}
        told["files"] = [{"path": str(one.path), "rows": one.rows, "rejects": one.rejects} for one in files]
        words = [f"{one.rejects:,} rejects of {stage} in {one.rows:,} rows -> {shown(one.path)}" for one in files]
        if options.to == "jsonl":
            words.append(f"Why, a line a reject: {shown(reasons_path(files[0].path))}" + " ..." * (len(files) > 1))
            words.append("Mend the rows, and name each file as a source, with the license, use and columns of its own.")
    else:
        if path.is_dir():
            path = path / default
        card = path.parent / "README.md" if options.out and options.out.is_dir() else path.with_suffix(".README.md")
        _check_free(card)
        sides = export_rows(artifact, options.to, path)
        names = {one.side: one.path.name for one in sides}
        stages = dict(made_by(found, stage))
        card.write_text(data_card(options.config.stem, names, artifact, stages, plan.config.quality.pii), "utf-8")
        told |= {"path": str(path), "rows": sum(one.rows for one in sides), "card": str(card)}
        told["files"] = [{"path": str(one.path), "side": one.side, "rows": one.rows} for one in sides]
        words = [f"{one.rows:,} rows of {stage} ({one.side}) -> {shown(one.path)}" for one in sides]
        words.append(f"What is in it and how it was made: {shown(card)}")
    if options.json:
        print(json.dumps(told, ensure_ascii=False))
        return 0
    for line in [*words, "The rows are not masked: personal data that they hold are in them."]:
        reporter.say(line)
    return 0


def _check_free(card: Path) -> None:
    """Raises ConfigError where a card lies there already: it tells of other rows."""
    from tuneloom.errors import ConfigError

    if card.exists():
        raise ConfigError(f"{card.name} is there already", where=str(card), remedy="Give another --out, or remove it.")


def _artifact(options: argparse.Namespace, found: "Mapping[str, Artifact | None]") -> "Artifact":
    """The stage asked for. Raises ConfigError for one without rows, MissingFile for one that has not run."""
    from tuneloom.errors import ConfigError, MissingFile
    from tuneloom.plan import DATA_STAGES

    stages = DATA_STAGES if options.rejected else DATA_STAGES[: DATA_STAGES.index("render")]
    if options.stage and options.stage not in stages:
        remedy = f"Stages: {', '.join(stages)}." + (
            "" if options.rejected else " Render keeps tokens; export mixture for its words."
        )
        raise ConfigError(f"stage {options.stage!r} has no rows to export", where="--stage", remedy=remedy)
    ran = [stage for stage in stages if found.get(stage)]
    wanted = options.stage or ("ingest" if options.rejected else next(reversed(ran), "ingest"))
    artifact = found.get(wanted)
    if artifact is None:
        raise MissingFile(
            f"stage {wanted} has not run yet",
            where=str(options.config),
            remedy=f"Run `tuneloom prepare {options.config}` first.",
        )
    return artifact
