"""Vocabularies that hold special tokens as pieces: text that spells one would be cut into it.

SentencePiece's vocabularies have "</s>" among their pieces, and `tokenizers` finds it in text whatever
`encode_special_tokens` says (0.23). For encoding the piece gets a name that no text has; its id stays.
"""

from collections.abc import Mapping
from typing import Any


def without_special_pieces(backend: Any, tree: Mapping[str, Any], special: Mapping[str, int]) -> dict[str, Any] | None:
    """A tokenizer's JSON, its special tokens out of the reach of text; None where they are that as it is.

    `backend` is the `tokenizers.Tokenizer` of `tree`, set to read special tokens as text; `special` maps text to id.
    """
    ids = set(special.values())
    if not any(ids & set(backend.encode(text, add_special_tokens=False).ids) for text in special):
        return None
    names = {text: f"\ue0f1\ue0f2{i}\ue0f1" for text, i in special.items()}  # private use
    added = [{**token, "content": names.get(token["content"], token["content"])} for token in tree["added_tokens"]]
    model, pieces = dict(tree["model"]), tree["model"]["vocab"]
    if isinstance(pieces, dict):
        model["vocab"] = {names.get(piece, piece): i for piece, i in pieces.items()}
    else:  # Unigram: (piece, score) by id
        model["vocab"] = [[names.get(piece, piece), score] for piece, score in pieces]
    if model.get("unk_token"):
        model["unk_token"] = names.get(model["unk_token"], model["unk_token"])
    return {**tree, "added_tokens": added, "model": model}
