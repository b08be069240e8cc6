"""One suite on one model: its answers, had in every way the suite names, and their scores.

An answer that the token limit cut, or in which nothing can be found, is wrong and counted. Metrics are named
`suite.metric`, or `suite.metric.reading` where the answer is the likeliest label.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tuneloom.evaluate.generation import Answer, answer_of
from tuneloom.evaluate.items import ITEMS, items_table
from tuneloom.evaluate.labels import find_label
from tuneloom.evaluate.metrics import About, Metric, Scored
from tuneloom.evaluate.outputs import OUTPUTS
from tuneloom.evaluate.questions import Question, Unasked
from tuneloom.evaluate.ranking import ask_questions, likeliest
from tuneloom.models.generate import default_stop_ids
from tuneloom.suites import Suite
from tuneloom.text.refusals import stance_of

Likelihoods = Sequence[tuple[list[float], list[float]]]


@dataclass(frozen=True)
class Asked:
    """A suite as the models are asked it."""

    suite: Suite
    questions: Sequence[Question]
    unasked: Sequence[Unasked]

    @property
    def steps(self) -> int:
        """Rows of progress a model makes on it."""
        return len(self.questions)


def metric_names(suite: Suite) -> Iterator[tuple[str, str, str]]:
    """(full name, metric, reading): `mood.accuracy`, accuracy, generated; `mood.accuracy.sum`, accuracy, sum."""
    for reading in suite.readings:
        for metric in suite.metrics:
            yield f"{suite.name}.{metric}" + ("" if reading == "generated" else f".{reading}"), metric, reading


def score_suite(
    name: str,
    model: Any,
    tokenizer: Any,
    asked: Asked,
    metrics: Mapping[str, Metric],
    on_rows: Callable[[int], None],
) -> tuple[pa.Table, pa.Table]:
    """Scores (schema ITEMS) and outputs (schema OUTPUTS) of the model `name`."""
    suite, questions = asked.suite, asked.questions
    answers, sums = _ask(model, tokenizer, asked, on_rows)
    tables, failed = [], [set[str]() for _ in questions]
    for full, metric, reading in metric_names(suite):
        if metrics[metric].missing():
            continue
        scores = _scores(metrics[metric], asked, _given(asked, reading, answers, sums))
        for place, score in scores.items():
            failed[place] |= {full} if score.failed else set()
        scored = [questions[place].wanted for place in scores]
        tables.append(items_table(name, full, scored, scores.values(), suite.name))
    return pa.concat_tables(tables) if tables else ITEMS.empty_table(), _outputs(name, asked, answers, sums, failed)


def _ask(model: Any, tokenizer: Any, asked: Asked, on_rows: Callable[[int], None]) -> tuple[list[Answer], Likelihoods]:
    """Greedy answers and the labels' log-likelihoods, whichever the suite names, from one reading of each prompt."""
    suite, questions = asked.suite, asked.questions
    stops = default_stop_ids(model, tokenizer) | {q.end for q in questions}
    found, blanks = ask_questions(model, questions, _generates(suite), suite.max_new_tokens, stops, on_rows)
    answers = [answer_of(tokenizer, reply.ids, suite.max_new_tokens) for reply in found] if _generates(suite) else []
    sums = [(reply.sums, blank) for reply, blank in zip(found, blanks, strict=True)] if _ranks(suite) else []
    return answers, sums


def _given(asked: Asked, reading: str, answers: Sequence[Answer], sums: Likelihoods) -> list[str | None]:
    """What counts as the answer to each question; None where it was cut, or is no label. Whether a cut answer refuses
    shows in its beginning."""
    suite = asked.suite
    if reading != "generated":
        labels = [question.wanted.choices or suite.labels for question in asked.questions]
        return [likeliest(own, *both, reading) for own, both in zip(labels, sums, strict=True)]
    if suite.kind == "classification":
        return [None if answer.cut else find_label(answer.text, suite.labels) for answer in answers]
    return [None if answer.cut and suite.kind != "safety" else answer.text.strip() for answer in answers]


def _scores(metric: Metric, asked: Asked, given: Sequence[str | None]) -> dict[int, Scored]:
    """Scores by the place of their question: of all that the metric is of, or, where it compares answers, of the first
    question of every cluster whose questions were all asked."""
    questions = asked.questions
    if metric.across is None:
        return {
            place: _score(metric, question, given[place], asked.suite)
            for place, question in enumerate(questions)
            if metric.applies(question.wanted.references)
        }
    lost = {one.wanted.cluster for one in asked.unasked}
    clusters: dict[str, list[int]] = {}
    for place, question in enumerate(questions):
        clusters.setdefault(question.wanted.cluster, []).append(place)
    whole = [places for cluster, places in clusters.items() if cluster not in lost]
    return {places[0]: Scored(metric.across([given[place] for place in places])) for places in whole}


def _score(metric: Metric, question: Question, text: str | None, suite: Suite) -> Scored:
    references, about = question.wanted.references, About(question.wanted.language, suite.labels)
    if text is not None:
        return metric.of(text, references, about)
    wrong = metric.wrong(references, about)
    return Scored(wrong.value, wrong.parts, failed=True)


def _outputs(
    name: str, asked: Asked, answers: Sequence[Answer], sums: Likelihoods, failed: Sequence[set[str]]
) -> pa.Table:
    labels: Sequence[str | None] | None = None
    if asked.suite.kind == "classification" and answers:
        labels = _given(asked, "generated", answers, ())
    elif asked.suite.kind == "safety":
        labels = [stance_of(answer.text) for answer in answers]
    rows: list[dict[str, Any]] = [
        {
            "suite": asked.suite.name,
            "model": name,
            "id": question.wanted.id,
            "state": "cut" if answers and answers[i].cut else "answered",
            "prompt_ids": question.prompt_ids,
            "output": answers[i].text if answers else None,
            "tokens": answers[i].tokens if answers else None,
            "label": labels[i] if labels else None,
            "failed": sorted(failed[i]),
            "references": question.wanted.references,
            "label_sums": sums[i][0] if sums else None,
            "blank_sums": sums[i][1] if sums else None,
        }
        for i, question in enumerate(asked.questions)
    ]
    rows += [
        {
            "suite": asked.suite.name,
            "model": name,
            "id": one.wanted.id,
            "state": "not asked",
            "reason": one.reason,
            "references": one.wanted.references,
        }
        for one in asked.unasked
    ]
    return pa.Table.from_pylist(rows, schema=OUTPUTS)


def _generates(suite: Suite) -> bool:
    return "generated" in suite.readings


def _ranks(suite: Suite) -> bool:
    return any(reading != "generated" for reading in suite.readings)
