"""How toxic English words are: a packaged linear classifier, which needs no network and no GPU.

alt-profanity-check (MIT; weights inside the package, 1 MB) is a calibrated linear SVM over bags of words, trained on
Wikipedia's and Twitter's comments. It knows English alone and words rather than meaning: "kill the process" scores low,
a quoted insult scores high. It raises an alarm; whether a row goes is the config's to say.
"""

import importlib.metadata
from collections.abc import Sequence

import numpy as np

JUDGE = importlib.metadata.version("alt-profanity-check")
"""The classifier's version."""

LANGUAGES = ("en",)
"""Languages that it can judge."""


def toxicity(texts: Sequence[str]) -> np.ndarray:
    """Probability that the worst line of each text is offensive, float64 (n,); 0 for a text without words.

    `["Have a nice day", "Hi\\nyou are a fucking idiot"]` -> about `[0.05, 1.0]`.
    """
    lines = [[line for line in text.splitlines() if line.strip()] for text in texts]
    worst = np.zeros(len(texts))
    every = [line for some in lines for line in some]
    if not every:
        return worst
    from profanity_check import predict_prob

    owners = np.repeat(np.arange(len(texts)), [len(some) for some in lines])
    np.maximum.at(worst, owners, predict_prob(every))
    return worst
