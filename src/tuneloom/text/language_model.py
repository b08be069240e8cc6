"""The probabilities of languages by py3langid's model (naive Bayes over byte n-grams), for many texts in one kernel.

Its own loop is Python and takes a hundred times as long. Sums run in one fixed order, not in a BLAS routine's, so the
same text has the same probability on every machine.
"""

import functools
import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tuneloom.text.kernels import kernel, read_only

LANGUAGES = (
    "am af ar az be bg bn bs ca cs cy da de el en eo es et eu fa fi fr ga gl gu ha he hi hr hu hy id ig is it ja ka kk "
    "km kn ko ku la lo lt lv mg mk ml mn mr ms my ne nl no pa pl ps pt ro ru si sk sl so sq sr sv sw ta te th tl tr uk "
    "ur uz vi xh yo zh zu"
)
"""What the model chooses from: small neighbours of large languages (Wu, Yue, Arpitan) would only split the evidence."""

GLANCE = 100
"""Bytes looked at first; where they leave no doubt the rest is not read."""
NO_DOUBT = 0.98


@dataclass(frozen=True)
class LanguageModel:
    """An automaton over bytes that finds n-grams, and their log-probabilities by class.

    `moves` uint32 (rows * 256,), `bases` int64 (states,): where a state's row begins; `found` int32 (states,): the
    n-gram that ends there or -1; `weights` float32 (n-grams, classes), `priors` float32 (classes,); `labels` int32
    (classes,): two scripts of one language are two classes; `names`: the language of each label.
    """

    moves: np.ndarray
    bases: np.ndarray
    found: np.ndarray
    weights: np.ndarray
    priors: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]


def most_likely(texts: Sequence[str]) -> list[tuple[str, float]]:
    """The likeliest language of each text and its probability: ["Guten Tag, wie geht es Ihnen?"] -> [("de", 0.98)]."""
    encoded = [_encode(text) for text in texts]
    bounds = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum([len(text) for text in encoded], out=bounds[1:])
    names, labels, probabilities = classify(np.frombuffer(b"".join(encoded), np.uint8), bounds)
    return [(names[label], probability) for label, probability in zip(labels, probabilities.tolist(), strict=True)]


def classify(text: np.ndarray, bounds: np.ndarray) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """The same of n texts uint8 (bytes,) between int64 `bounds` (n + 1,), encoded as the model was trained: the names
    of all labels, and each text's label int32 (n,) and its probability float64 (n,)."""
    model = _model()
    labels, probabilities = np.empty(len(bounds) - 1, np.int32), np.empty(len(bounds) - 1, np.float64)
    logs = read_only(np.array([math.log1p(count) for count in range(int(np.diff(bounds).max(initial=0)) + 1)], "f4"))
    _classify(
        read_only(text), read_only(bounds), model.moves, model.bases, model.found, model.weights, model.priors,
        model.labels, logs, labels, probabilities,
    )  # fmt: skip
    return model.names, labels, probabilities


def _encode(text: str) -> bytes:
    """As the model was trained: NFC, and shouting read as speech."""
    if text.isupper():
        text = text.lower()
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return text.encode("utf-8", "surrogatepass")


@functools.cache
def _model() -> LanguageModel:
    """py3langid's own file, read once a process (0.5 s)."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    known = LanguageIdentifier.from_model_file(MODEL_FILE)
    known.set_languages(LANGUAGES.split())
    names = tuple(dict.fromkeys(known.nb_classes))
    return LanguageModel(
        moves=read_only(np.asarray(known.tk_nextmove)),
        bases=read_only(np.asarray(known.tk_row, np.int64) << 8),
        found=read_only(np.asarray(known.tk_output, np.int32)),
        weights=read_only(np.ascontiguousarray(known.nb_ptc, np.float32)),
        priors=read_only(np.asarray(known.nb_pc, np.float32)),
        labels=read_only(np.array([names.index(name) for name in known.nb_classes], np.int32)),
        names=names,
    )


@kernel
def _classify(text, bounds, moves, bases, found, weights, priors, labels, logs, best, probability):  # type: ignore[no-untyped-def]
    """Fills `best` int32 (n,) and `probability` float64 (n,) for texts uint8 (bytes,) between int64 `bounds` (n + 1,).

    Softmax of the scores over the root of the length, which keeps probabilities honest whatever the length.
    """
    classes = weights.shape[1]
    counts = np.zeros(weights.shape[0], np.int32)
    seen = np.empty(weights.shape[0], np.int32)
    scores = np.empty(classes, np.float32)
    chances = np.empty(classes, np.float64)
    for row in range(len(bounds) - 1):
        start, end = bounds[row], bounds[row + 1]
        stop = end if end - start < 2 * GLANCE else start + GLANCE
        distinct, state, position = 0, 0, start
        while True:
            while position < stop:
                state = moves[bases[state] + text[position]]
                gram = found[state]
                if gram >= 0:
                    if counts[gram] == 0:
                        seen[distinct] = gram
                        distinct += 1
                    counts[gram] += 1
                position += 1
            scores[:] = priors if distinct else np.zeros(classes, np.float32)
            for i in range(distinct):
                log, gram_weights = logs[counts[seen[i]]], weights[seen[i]]
                for j in range(len(scores)):  # in this form it compiles to vector instructions: ten times as fast
                    scores[j] += log * gram_weights[j]
            scale = 1.0 / math.sqrt(max(1, stop - start))
            highest = scores.max()
            chances[:] = 0.0
            total = 0.0
            for j in range(classes):
                power = (np.float64(scores[j]) - highest) * scale
                if power > -40.0:  # less adds nothing to a sum of at least one
                    chance = math.exp(power)
                    chances[labels[j]] += chance
                    total += chance
            best[row] = np.argmax(chances)
            probability[row] = chances[best[row]] / total
            if stop == end or probability[row] >= NO_DOUBT:
                break
            stop = end
        for i in range(distinct):
            counts[seen[i]] = 0
