"""One reply in a conversation: template or plain input, greedy decoding, text. The loop is the command line's.

What a person types is text: special tokens written in a message are encoded as plain characters, so nobody can end a
turn or begin a system message from inside one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Messages = Sequence[Mapping[str, str]]

_MARK = "\ue000{}\ue001"
"""Stands for a message's content while the template runs; private-use characters, so no template touches them."""


def generate_reply(model: Any, tokenizer: Any, messages: Messages, max_new_tokens: int) -> str:
    """The assistant's next words, without special tokens.

    `[{"role": "user", "content": "What is the capital of France?"}]` -> `"The capital of France is Paris."`
    """
    from tuneloom.evaluate.questions import encoder_input
    from tuneloom.models.generate import generate_greedy
    from tuneloom.models.seq2seq import reads_and_writes

    prompt = encoder_input(tokenizer, messages) if reads_and_writes(model) else prompt_ids(tokenizer, messages)
    answer = generate_greedy(model, tokenizer, [prompt], max_new_tokens)[0]
    return tokenizer.decode(answer, skip_special_tokens=True).strip()


def prompt_ids(tokenizer: Any, messages: Messages) -> list[int]:
    """Token ids of the conversation up to the assistant's turn; special tokens come from the template alone."""
    special = [token for token in tokenizer.all_special_tokens if token]
    hostile = [any(token in message["content"] for token in special) for message in messages]
    shown = [
        {**message, "content": _MARK.format(number)} if bad else dict(message)
        for number, (message, bad) in enumerate(zip(messages, hostile, strict=True))
    ]
    text = tokenizer.apply_chat_template(shown, tokenize=False, add_generation_prompt=True)
    ids: list[int] = []
    for number, message in enumerate(messages):
        before, mark, after = text.partition(_MARK.format(number))
        if not hostile[number] or not mark:  # a template may leave a message out
            continue
        text = after
        ids += tokenizer(before, add_special_tokens=False)["input_ids"]
        ids += tokenizer(message["content"], add_special_tokens=False, split_special_tokens=True)["input_ids"]
    return ids + tokenizer(text, add_special_tokens=False)["input_ids"]
