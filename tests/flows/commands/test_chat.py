"""`tuneloom chat`: what is said before is heard again."""

import io
import sys
from pathlib import Path

import pytest

from flows.cli import main


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command sets variables of the process; they end with the test."""
    from flows.settings import offline_environment

    for name in offline_environment():
        monkeypatch.setenv(name, "")


def test_one_question_is_answered_once(
    tiny_model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuneloom.release.chat.generate_reply", lambda *found: f"{found[2][-1]['content']} {found[3]}")
    assert main(["chat", str(tiny_model), "--say", "Hi", "--max-new-tokens", "3"]) == 0
    assert capsys.readouterr().out == "Hi 3\n"


def test_a_conversation_goes_on_until_the_input_ends(
    tiny_model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = []

    def reply(model: object, tokenizer: object, messages: list, most: int) -> str:
        heard.append([message["content"] for message in messages])
        return f"answer {len(heard)}"

    monkeypatch.setattr("tuneloom.release.chat.generate_reply", reply)
    monkeypatch.setattr(sys, "stdin", io.StringIO("first\n\n second \n"))
    assert main(["chat", str(tiny_model)]) == 0
    assert heard == [["first"], ["first", "answer 1", "second"]]
    assert capsys.readouterr().out == "answer 1\nanswer 2\n"


def test_an_unknown_model_is_a_wrong_call(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chat", "smolm2-135m-instruct", "--say", "Hi"]) == 2
    assert "Did you mean `smollm2-135m-instruct`" in capsys.readouterr().err


def test_an_answer_of_no_tokens_is_a_wrong_call(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chat", "m", "--max-new-tokens", "0"]) == 2
    assert "--max-new-tokens" in capsys.readouterr().err
