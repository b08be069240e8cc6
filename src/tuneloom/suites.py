"""Evaluation suites as data: a YAML file with its rows, or with a source of them, checked when it is read.

    kind: classification            what is asked; it decides the metrics and how answers are had
    language: en
    prompt: "Positive or negative?\\n{text}"
    labels: [positive, negative]
    rows:
      - {text: A dull film., answer: negative}

The shipped ones lie in data/suites; a name without a slash is one of those, anything else a file beside the config.
A row's other keys fill the prompt, but `category`, and what answers are judged by: `tests` of a program, `constraints`,
the `label` (safe or unsafe) of a prompt that may be refused; `answers` are several that are right. Rows of one
`passage` (a key of `passages`, whose text fills the prompt) or of one `cluster` are not independent, and the statistics
know it.
"""

import difflib
import string
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from tuneloom.errors import ConfigError, MissingFile
from tuneloom.plugin_files import plugin_kind, plugin_text
from tuneloom.records import canonical, digest
from tuneloom.suite_kinds import spread
from tuneloom.suite_sources import read_source
from tuneloom.text.constraints import RULES

READINGS = ("generated", "sum", "character", "byte", "pmi")
"""How an answer is had: generated, or the likeliest label by the summed log-likelihood of its tokens, that divided by
its characters (lm-evaluation-harness calls it acc_norm) or UTF-8 bytes, or less its log-likelihood after an empty
question (Holtzman 2021)."""


@dataclass(frozen=True)
class Kind:
    """What a suite of a kind does where its file does not say."""

    metrics: tuple[str, ...]
    readings: tuple[str, ...] = ("generated",)
    max_new_tokens: int = 64
    ranked: bool = False
    """Whether answers are chosen by their likelihood alone."""


KINDS: Mapping[str, Kind] = {
    "classification": Kind(
        ("accuracy", "macro_precision", "macro_recall", "macro_f1"),
        ("generated", "sum", "character", "byte", "pmi"),
        16,
    ),
    "question_answering": Kind(("exact_match", "token_f1", "squad_exact_match", "squad_f1"), max_new_tokens=32),
    "translation": Kind(("corpus_bleu", "corpus_chrf", "chrf"), max_new_tokens=96),
    "summarisation": Kind(("rouge_l",), max_new_tokens=96),
    "arithmetic": Kind(("gsm8k_strict", "gsm8k_flexible", "decimal_match"), max_new_tokens=256),
    "instructions": Kind(("super_ni_exact_match", "super_ni_rouge_l", "exact_match", "rouge_l"), max_new_tokens=128),
    "code": Kind(("passes_tests",), max_new_tokens=384),
    "constraints": Kind(
        ("prompt_strict", "prompt_loose", "instruction_strict", "instruction_loose"), max_new_tokens=256
    ),
    "safety": Kind(("refusal", "over_refusal"), max_new_tokens=128),
    "bbq": Kind(
        ("bbq_accuracy_ambiguous", "bbq_accuracy_disambiguated", "bbq_bias_ambiguous", "bbq_bias_disambiguated"),
        ("sum", "character"),
        ranked=True,
    ),
    "counterfactual": Kind(("changed_answers",), ("sum", "character"), ranked=True),
    "held_out_tasks": Kind(("exact_match", "rouge_l", "super_ni_exact_match", "super_ni_rouge_l"), max_new_tokens=64),
}
"""`held_out_tasks` has no rows of its own: it takes those test rows of a run whose task never trained."""

_KEYS = (
    "kind", "language", "license", "about", "prompt", "labels", "passages", "rows", "source", "columns", "exemplars",
    "shots", "metrics", "readings", "max_new_tokens",
)  # fmt: skip
_OF_ROW = ("answer", "answers", "cluster", "category", "tests", "constraints", "label", "options")


@dataclass(frozen=True)
class SuiteRow:
    """One question: `prompt` as the user's message, every right answer, and which rows it belongs together with.

    `content` is the longest thing the row fills the prompt with: what must not be found in training rows. `choices` are
    the row's own labels, where it has some.
    """

    id: str
    prompt: str
    references: tuple[str, ...]
    cluster: str
    content: str
    category: str | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class OwnMetric:
    """A metric of the user's that a suite names: its name, and the text of the file that it is."""

    name: str
    text: str


@dataclass(frozen=True)
class Suite:
    """A suite as read; `digest` is of all that decides its scores. `exemplars` are shown, never scored."""

    name: str
    kind: str
    language: str | None
    labels: tuple[str, ...]
    metrics: tuple[str, ...]
    readings: tuple[str, ...]
    max_new_tokens: int
    shots: int
    exemplars: tuple[SuiteRow, ...]
    rows: tuple[SuiteRow, ...]
    digest: str
    own_metrics: tuple[OwnMetric, ...] = ()


def shipped_folder() -> Path:
    """Where the suites lie that come with Tuneloom."""
    here = Path(__file__).parent
    return next(f for f in (here / "data" / "suites", here.parents[1] / "data" / "suites") if f.is_dir())


def load_suites(names: Iterable[str], folder: Path, plugins: Sequence[Path] = ()) -> list[Suite]:
    """Suites by name or path, relative to `folder`, in the order given; `plugins` are the files of the config's.

    Raises MissingFile for one that is not there, ConfigError for two of one name and for what `load_suite` refuses.
    """
    own = {path.stem: path for path in plugins if plugin_kind(path) == "suite"}
    metrics = [OwnMetric(path.stem, plugin_text(path)) for path in plugins if plugin_kind(path) == "metric"]
    suites = [_with(load_suite(own.get(name) or _find(name, folder)), metrics) for name in names]
    known = [suite.name for suite in suites]
    if twice := {name for name in known if known.count(name) > 1}:
        raise ConfigError(
            f"two suites are named {sorted(twice)[0]!r}",
            where="config key `evaluate.suites`",
            remedy="Name each file once.",
        )
    return suites


def load_suite(path: Path) -> Suite:
    """Reads and checks one file; its name is the suite's. Raises ConfigError naming file, row, key and remedy."""
    try:
        tree = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, ValueError) as error:
        raise _wrong(f"the suite is not readable YAML: {' '.join(str(error).split())}", path, "Mend it.") from error
    if not isinstance(tree, dict):
        raise _wrong(f"the suite holds {type(tree).__name__}, not keys and values", path, "See docs/evaluation.md.")
    for key in tree:
        _known("the key", key, _KEYS, path)
    kind = KINDS[_known("the kind", tree.get("kind"), tuple(KINDS), path)]
    readings = tuple(_known("the reading", one, READINGS, path) for one in _list(tree, "readings", path))
    readings = readings or tuple(r for r in kind.readings if r == "generated" or kind.ranked or tree.get("labels"))
    labels = tuple(str(label) for label in _list(tree, "labels", path))
    rows = _rows(tree, "rows", path)
    _check(tree, labels, readings, rows, path)
    metrics = tuple(_list(tree, "metrics", path)) or kind.metrics
    settings = (tree["kind"], tree.get("language"), labels, metrics, readings)
    numbers = (_number(tree, "max_new_tokens", kind.max_new_tokens, 1, path), _number(tree, "shots", 0, 0, path))
    exemplars = _rows(tree, "exemplars", path)
    if numbers[1] > len(exemplars) and tree["kind"] != "held_out_tasks":
        raise _wrong(f"{numbers[1]} shots of {len(exemplars)} exemplars", f"{path.name}: shots", "Add exemplars.")
    said = [[vars(row) for row in group] for group in (exemplars, rows)]
    mark = digest(canonical([path.stem, settings, numbers, said]))
    return Suite(path.stem, *settings, *numbers, exemplars, rows, mark)


def _with(suite: Suite, metrics: Sequence[OwnMetric]) -> Suite:
    """The suite with those metrics of the user's that it names; their text decides its scores, too."""
    named = tuple(metric for metric in metrics if metric.name in suite.metrics)
    if not named:
        return suite
    return replace(suite, own_metrics=named, digest=digest(canonical([suite.digest, [vars(one) for one in named]])))


def _find(name: str, folder: Path) -> Path:
    shipped = shipped_folder()
    path = shipped / f"{name}.yaml" if "/" not in name and not name.endswith(".yaml") else folder / name
    if not path.is_file():
        known = sorted(file.stem for file in shipped.glob("*.yaml"))
        raise MissingFile(
            f"there is no suite {name!r}", where=f"{path} (evaluate.suites)", remedy=_meant(name, known, "Shipped")
        )
    return path


def _rows(tree: Mapping[str, Any], key: str, path: Path) -> tuple[SuiteRow, ...]:
    """The rows of a key, or, for `rows`, of the file that `source` names."""
    given: Sequence[Any] = _list(tree, key, path)
    if key == "rows" and tree.get("source"):
        columns = tree.get("columns") or {}
        if not isinstance(columns, dict):
            raise _wrong(f"`columns` is {type(columns).__name__}", path, "Write columns: {prompt: question}.")
        given = read_source(path.parent / str(tree["source"]), columns, path.name)
    rows: list[SuiteRow] = []
    for n, entry in enumerate(given, 1):
        where = f"{path.name}: {key} {n}"
        if not isinstance(entry, dict):
            raise _wrong(
                f"a row is {type(entry).__name__}, not keys and values", where, "Write {text: ..., answer: ...}."
            )
        rows += (_row(tree, one, where, path) for one in spread(tree["kind"], entry, where))
    return tuple(rows)


def _row(tree: Mapping[str, Any], entry: Mapping[str, Any], where: str, path: Path) -> SuiteRow:
    """`{text: Dull., answer: negative}` with the prompt `Mood? {text}` -> prompt `Mood? Dull.`, references negative."""
    references = _references(tree["kind"], entry, where)
    filled = {key: str(value) for key, value in entry.items() if key not in _OF_ROW}
    cluster = entry.get("cluster")
    if "passage" in entry:
        passages = tree.get("passages") or {}
        name = _known("the passage", entry["passage"], tuple(passages), where)
        filled["passage"], cluster = str(passages[name]), cluster or name
    asked = tree.get("prompt") or "{prompt}"
    wanted = {field for _, field, _, _ in string.Formatter().parse(asked) if field is not None}
    if missing := wanted - filled.keys():
        raise _wrong(f"a row lacks {sorted(missing)[0]!r}, which the prompt names", where, "Add it to the row.")
    if unused := filled.keys() - wanted:
        raise _wrong(f"a row has {sorted(unused)[0]!r}, which the prompt does not name", where, "Name it, or drop it.")
    prompt = asked.format(**filled)
    row_id = digest(canonical([prompt, references]))
    content = max((text for key, text in filled.items() if key != "choices"), key=len, default=prompt)
    category, options = entry.get("category"), tuple(entry.get("options") or ())
    return SuiteRow(row_id, prompt, references, str(cluster or row_id), content, category and str(category), options)


def _references(kind: str, entry: Mapping[str, Any], where: str) -> tuple[str, ...]:
    """What an answer is measured by: texts, the tests of a program, or rules as JSON (`{"at_most_words": 20}`)."""
    if kind == "counterfactual":
        return ()
    if kind == "safety":
        return (_known("the label", entry.get("label"), ("safe", "unsafe"), where),)
    if kind == "code":
        answers = [entry.get("tests") or ""]
        remedy = "Give `tests`: Python that fails where the program is wrong."
    elif kind == "constraints":
        rules = entry.get("constraints") or []
        for rule in rules:
            if not isinstance(rule, dict) or len(rule) != 1:
                raise _wrong("a constraint is not one rule", where, "Write [{at_most_words: 20}, ...].")
            _known("the rule", next(iter(rule)), tuple(RULES), where)
        answers, remedy = [canonical(rule) for rule in rules], f"Give `constraints`, of: {', '.join(RULES)}."
    else:
        answers = entry.get("answers", [entry["answer"]] if "answer" in entry else [])
        remedy = "Give `answer`, or `answers` for several."
    if not answers or not all(str(answer).strip() for answer in answers):
        raise _wrong("a row has no answer", where, remedy)
    return tuple(str(answer) for answer in answers)


def _check(
    tree: Mapping[str, Any], labels: tuple[str, ...], readings: tuple[str, ...], rows: tuple[SuiteRow, ...], path: Path
) -> None:
    """What a suite cannot be scored without."""
    ranked = [reading for reading in readings if reading != "generated"]
    if tree["kind"] == "held_out_tasks":
        if rows or ranked:
            raise _wrong("held_out_tasks takes its rows from the run", path, "Drop `rows`, `source` and rankings.")
        return
    if not rows:
        raise _wrong("the suite has no rows", path, "Give `rows`, or `source` with JSON lines or CSV.")
    if KINDS[tree["kind"]].ranked and len(ranked) < len(readings):
        raise _wrong(f"answers of a {tree['kind']} suite are ranked", path, "Drop `generated` from `readings`.")
    if twice := [prompt for prompt, times in Counter(row.prompt for row in rows).items() if times > 1]:
        raise _wrong(f"two rows ask {twice[0][:60]!r}", path, "Keep one; counted twice it weighs twice.")
    if (tree["kind"] == "classification" or ranked) and not rows[0].choices and len(set(labels)) < max(2, len(labels)):
        raise _wrong("two different labels or more are needed to choose among", path, "Give `labels`.")
    for row in (row for row in rows if labels and row.references):
        _known("the answer", row.references[0], labels, f"{path.name}: {row.prompt[:40]!r}")


def _list(tree: Mapping[str, Any], key: str, path: Path) -> list[Any]:
    found = tree.get(key) or []
    if not isinstance(found, list):
        raise _wrong(f"`{key}` is {type(found).__name__}, not a list", path, f"Write {key}: [...].")
    return found


def _number(tree: Mapping[str, Any], key: str, default: int, least: int, path: Path) -> int:
    found = tree.get(key, default)
    if not isinstance(found, int) or found < least:
        raise _wrong(f"`{key}` is {found!r}", path, f"Give a whole number from {least} on.")
    return found


def _known(what: str, name: Any, known: Sequence[str], where: Path | str) -> str:
    if name not in known:
        raise _wrong(f"{what} {name!r} is not known", where, _meant(str(name), known, "Known"))
    return str(name)


def _meant(name: str, known: Sequence[str], what: str) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"Did you mean `{close[0]}`?" if close else f"{what}: {', '.join(known) or 'none'}."


def _wrong(what: str, where: Path | str, remedy: str) -> ConfigError:
    return ConfigError(what, where=where.name if isinstance(where, Path) else where, remedy=remedy)
