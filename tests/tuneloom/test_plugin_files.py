"""A user's Python files: keyed by their text, loaded anew when it changes, their errors told with the line."""

from pathlib import Path

import pytest

from tuneloom.errors import ConfigError, MissingFile
from tuneloom.plugin_files import load_plugin, plugin_digests, plugin_text


def test_a_changed_text_is_another_digest_and_another_module(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    found = []
    for value in (1, 2):
        file.write_text(f"VALUE = {value}\n")
        found.append((plugin_digests(["mine.py"], tmp_path)["mine.py"], load_plugin(file, plugin_text(file)).VALUE))
    assert [value for _, value in found] == [1, 2]
    assert found[0][0] != found[1][0]


def test_two_files_of_one_name_are_keyed_both(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "clean.py").write_text(f"VALUE = {folder!r}\n")
    assert len({*plugin_digests(["a/clean.py", "b/clean.py"], tmp_path).values()}) == 2


@pytest.mark.parametrize(("text", "line"), [("x = 1\ny = z\n", 2), ("def f(:\n", 1)])
def test_a_file_that_cannot_be_loaded_is_told_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(ConfigError, match=rf"cannot be loaded.*mine.py:{line}"):
        load_plugin(tmp_path / "mine.py", text)


def test_a_file_that_is_not_there_or_no_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match=r"no plugin gone\.py"):
        plugin_digests(["gone.py"], tmp_path)
    (tmp_path / "bytes.py").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        plugin_text(tmp_path / "bytes.py")
