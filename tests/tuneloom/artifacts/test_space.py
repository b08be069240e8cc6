"""A full disk is one plain error; what was half-written goes, and a run with room goes on."""

import errno
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.rows import table_of
from tuneloom.artifacts import Spec, Store, Writer
from tuneloom.artifacts.space import check_room, existing, size_text, told_when_full
from tuneloom.errors import DiskFull


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """The kernel refuses to write on, as where a disk is full: EFBIG instead of ENOSPC."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def build(writer: Writer) -> None:
    rows = table_of([(f"question {n} " * 20, f"answer {n}") for n in range(500)])
    writer.add(rows)
    writer.count(rows_in=len(rows))


def test_a_full_disk_is_told_with_place_stage_and_remedy_and_leaves_nothing(tmp_path: Path) -> None:
    store, spec = Store(tmp_path), Spec("ingest", "code")
    with no_file_larger_than(4_000), pytest.raises(DiskFull, match="the disk is full") as caught:
        store.ensure(spec, build)
    assert caught.value.where == f"{tmp_path}, stage ingest"
    assert "`store`" in caught.value.remedy
    assert caught.value.exit_code == 1
    assert store.find(spec.reference) is None
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"] == []
    assert store.ensure(spec, build).manifest.counts.rows_out == 500


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_no_space_and_no_quota_are_a_full_disk_and_other_errors_stay_what_they_are(number: int) -> None:
    with pytest.raises(DiskFull), told_when_full(Path("/store"), "stage dedup"):
        raise OSError(number, "no")
    with pytest.raises(OSError, match="Input/output") as caught, told_when_full(Path("/store"), "stage dedup"):
        raise OSError(errno.EIO, "Input/output error")
    assert not isinstance(caught.value, DiskFull)


def test_places_on_one_disk_share_its_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=1_200_000_000))
    check_room({tmp_path / "store": 1_000_000_000, tmp_path: 200_000_000})
    with pytest.raises(DiskFull, match=r"the disk has 1\.2 GB free, this run needs about 3\.0 GB") as caught:
        check_room({tmp_path / "store" / "deep": 2_000_000_000, tmp_path: 1_000_000_000})
    assert caught.value.where == str(tmp_path)


def test_a_folder_that_is_not_there_yet_lies_where_its_parent_is(tmp_path: Path) -> None:
    assert existing(tmp_path / "a" / "b") == tmp_path
    assert existing(tmp_path) == tmp_path


@pytest.mark.parametrize(
    ("size", "text"), [(1_234_567_890, "1.2 GB"), (3_000_000, "3 MB"), (20_000, "20 kB"), (0, "0 kB")]
)
def test_sizes_read_as_people_say_them(size: int, text: str) -> None:
    assert size_text(size) == text
