"""Writes golden_likelihoods.json: what lm-evaluation-harness says of the tiny model and of SmolLM2-135M-Instruct.

    PYTHON -m tests.tuneloom.evaluate.make_golden_likelihoods SMOLLM2_FOLDER

PYTHON has lm-eval (0.4.13), torch and transformers; the folder is the converted one in the user's cache. Prompts are
text with the template in it, and the harness encodes prompt and choice in its own way.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.tiny_model import make_tiny_model

FILE = Path(__file__).parent / "golden_likelihoods.json"
ASKED = (
    ("What is the capital of France?", ("Paris", "London", "a town by the sea", "巴黎")),
    ("Is the film good? 'A dull film, and too long.'", ("positive", "negative", "neither of the two")),
    ("法国的首都是哪里？", ("巴黎", "伦敦", "上海市", "London")),
    ("Say it in a word: 2 + 2", ("4", "four", "22", "I do not know")),
    ("Which is it?\n\nfirst:  yes\nsecond: no ", ("yes", "no")),
)
NEW_TOKENS = 24


def main(smollm2: str) -> None:
    """Both models, one after the other."""
    with tempfile.TemporaryDirectory() as place:
        found = {"tiny": harness(make_tiny_model(Path(place))), "smollm2": harness(Path(smollm2))}
    FILE.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", "utf-8")


def harness(folder: Path) -> list[dict[str, Any]]:
    """For each question: prompt ids, each choice's ids and log-likelihood in nats, and the greedy text."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    model = HFLM(pretrained=str(folder), device="cpu", dtype="float32", batch_size=8)
    rows = []
    for question, choices in ASKED:
        prompt = model.apply_chat_template([{"role": "user", "content": question}])
        pairs = [(prompt, choice) for choice in choices]
        encoded = [model._encode_pair(*pair) for pair in pairs]
        asked = [Instance("loglikelihood", {}, pair, n) for n, pair in enumerate(pairs)]
        sums = [value for value, _ in model.loglikelihood(asked, disable_tqdm=True)]
        until = {"until": ["<|im_end|>"], "max_gen_toks": NEW_TOKENS, "do_sample": False, "repetition_penalty": 1.0}
        text = model.generate_until([Instance("generate_until", {}, (prompt, until), 0)], disable_tqdm=True)[0]
        rows.append(
            {
                "question": question,
                "choices": choices,
                "prompt_ids": encoded[0][0],
                "choice_ids": [ids for _, ids in encoded],
                "sums": sums,
                "text": text,
            }
        )
    return rows


if __name__ == "__main__":
    main(sys.argv[1])
