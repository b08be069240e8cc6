"""Talk to a model: a registered one (models:/NAME@champion), a folder, or a packaged or hub name."""

import argparse
import os
import sys
from collections.abc import Iterator
from typing import Any

from flows.arguments import count


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """MODEL."""
    parser.add_argument("model", metavar="MODEL", help="models:/NAME@champion, a folder, or a name")
    parser.add_argument("--say", metavar="TEXT", help="say this once and print the answer")
    parser.add_argument("--max-new-tokens", type=count, default=200, metavar="N", help="longest answer in tokens")


def run(options: argparse.Namespace) -> int:
    """Answers one line after another until the input ends."""
    from flows.settings import offline_environment
    from tuneloom.release.chat import generate_reply

    os.environ.update(offline_environment())
    model, tokenizer = _load(options)
    messages: list[dict[str, str]] = []
    for line in [options.say] if options.say else _lines():
        messages.append({"role": "user", "content": line})
        reply = generate_reply(model, tokenizer, messages, options.max_new_tokens)
        messages.append({"role": "assistant", "content": reply})
        print(reply, flush=True)
    return 0


def _load(options: argparse.Namespace) -> tuple[Any, Any]:
    from flows.project import home_of
    from tuneloom.models.load import load_model, load_tokenizer, model_folder
    from tuneloom.models.resolve import resolve_model
    from tuneloom.release.load import load_registered

    if options.model.startswith(("models:/", "runs:/")):
        return load_registered(options.model, home_of(options))
    folder = model_folder(resolve_model(options.model), lambda text: print(text.strip(), file=sys.stderr))
    return load_model(folder), load_tokenizer(folder)


def _lines() -> Iterator[str]:
    """Lines of standard input, with a prompt where a person types them."""
    while True:
        if sys.stdin.isatty():
            print("> ", end="", flush=True)
        line = sys.stdin.readline()
        if not line:
            return
        if line.strip():
            yield line.strip()
