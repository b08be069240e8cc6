"""The express lane: whatever the rows, the same conversations, rejects and tallies as one by one."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.tuneloom.ingest.built import ingested, write_jsonl
from tuneloom.config import Source
from tuneloom.ingest.block import Reading, Terms, convert, decide_reading
from tuneloom.ingest.discover import SourceFile
from tuneloom.ingest.express import Lane, convert_range, lane_of
from tuneloom.ingest.readers.pieces import Range
from tuneloom.ingest.takedowns import entries_met
from tuneloom.records import digest

_SHAPES = [
    ("prompt", "completion"),
    ("inputs", "targets"),
    ("instruction", "input", "output"),
    ("instruction", "context", "response"),
    ("query", "response"),
    ("question", "answer"),
    ("instruction", "question", "context", "answer"),
]
_PARTS = st.sampled_from(
    [
        "", " ", "a", "Say it. ", "\n", "\t", "\u3000",
        "\u00a0", "\x1c", "\0", "\ufeff", "\u200b", "\u2060", "\u201d", "é",
        "今天天气很好。", "コーヒー", "안녕하세요", "😀", "\\", '"', "/", "<noinput>", "No Input",
        "noinput", "<|endoftext|>", "</s>",
        "<s>", ">", "<|im_end|>", "```", "x = 1", "def f(x):\n    return x", "for the sake of", "if so:",
        "print(1)", "}",
        "Привет, как дела?", "Où êtes-vous, s'il vous plaît?", "THE END OF IT ALL", "\u2028", "\x85",
    ]
)  # fmt: skip
_TEXTS = st.lists(_PARTS, max_size=5).map("".join)


@st.composite
def _files(draw: st.DrawFn) -> tuple[tuple[str, ...], bytes]:
    """Rows of a shape, some of them with a value, a key, an order or bytes that the others have not."""
    names = draw(st.sampled_from(_SHAPES))
    lines = []
    for _ in range(draw(st.integers(1, 6))):
        items = [(name, draw(_TEXTS)) for name in draw(st.permutations(names))]
        text = json.dumps(dict(items), ensure_ascii=draw(st.booleans()))
        odd = draw(st.integers(0, 25))
        if odd == 0:
            text = text[:-1]
        elif odd == 1:
            text = text.replace('"}', f'", "{names[0]}": "twice"}}')
        elif odd == 2:
            text = json.dumps(dict(items) | {names[-1]: draw(st.sampled_from([None, 4, 1.5, True, ["a"], {}]))})
        elif odd == 3:
            text = json.dumps(dict(items) | {"url": "u"})
        elif odd == 4:
            text = draw(st.sampled_from(["", " ", "\x0b", "[]", "{}", "null", text + " x", " " + text + "\t\r"]))
        elif odd == 5:
            text = text.replace(
                '": "', draw(st.sampled_from(['":"\\ud83d', '" :\t"\\u00e9\\uD83D\\uDE00', '":"\\x', '":"\x01']))
            )
        lines.append(text.encode())
    ending = draw(st.sampled_from([b"\n", b"\r\n"]))
    text = ending.join(lines) + draw(st.sampled_from([b"", ending]))
    return names, text + draw(st.sampled_from([b"", b"", b"", b"\xff\n"]))


def _lane(path: Path, names: tuple[str, ...], **source: str) -> tuple[Range, Reading, Lane]:
    first = [dict.fromkeys(names, "Say.")]
    how = decide_reading(SourceFile("s", path.name, path), Source(name="s", path=".", **source), Terms(), first)
    lane = lane_of(how, first)
    assert lane is not None
    return Range(path, 0, path.stat().st_size, 1), how, lane


@settings(deadline=None, max_examples=150)
@given(_files())
@example((("prompt", "completion"), b'{"prompt": "2+2?", "completion": "4<|endoftext|> </s>"}\n'))
def test_both_lanes_make_the_same_of_any_row(tmp_path_factory: pytest.TempPathFactory, file: tuple) -> None:
    names, content = file
    path = tmp_path_factory.getbasetemp() / "rows.jsonl"
    path.write_bytes(content)
    piece, how, lane = _lane(path, names)
    quick, slow = convert_range(piece, how, lane), convert(piece.lines(), how)
    assert quick.kept.to_pylist() == slow.kept.to_pylist()
    assert quick.kept.schema == slow.kept.schema
    assert (quick.rows, quick.rejects, quick.tallies) == (slow.rows, slow.rejects, slow.tallies)


@settings(deadline=None, max_examples=60)
@given(_files(), st.data())
def test_both_lanes_leave_out_the_same_rows_that_were_taken_down(
    tmp_path_factory: pytest.TempPathFactory, file: tuple, data: st.DataObject
) -> None:
    """By a row's id, or by the digest of a line that is, or might have been, rejected."""
    names, content = file
    path = tmp_path_factory.getbasetemp() / "rows.jsonl"
    path.write_bytes(content)
    piece, how, lane = _lane(path, names)
    ids = convert(piece.lines(), how).kept["id"].to_pylist()
    entries = sorted({*ids, *(digest(line.raw) for line in piece.lines()), "0" * 32})
    listed = frozenset(data.draw(st.lists(st.sampled_from(entries), min_size=1, unique=True)))
    how = replace(how, terms=Terms(listed))
    quick, slow = convert_range(piece, how, lane), convert(piece.lines(), how)
    assert quick.kept.equals(slow.kept)
    assert (quick.rows, quick.rejects, quick.tallies) == (slow.rows, slow.rejects, slow.tallies)
    assert not listed & {*quick.kept["id"].to_pylist()}
    assert entries_met(quick.rejects) <= listed
    assert all(reject.raw is None or digest(reject.raw) not in listed for reject in quick.rejects)


def test_a_row_taken_down_leaves_the_lane_to_the_others(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "f.jsonl", [{"prompt": f"Say {n}.", "completion": f"{n}"} for n in range(99)])
    piece, how, lane = _lane(path, ("prompt", "completion"))
    identity = convert_range(piece, how, lane).kept["id"][7].as_py()
    made = convert_range(piece, replace(how, terms=Terms(frozenset([identity]))), lane)
    assert (made.apart, len(made.kept), len(made.rejects)) == (1, 98, 1)


def test_real_rows_take_the_express_lane_and_come_out_the_same(realdata: Path) -> None:
    lanes = rows = apart = 0
    for path in sorted(realdata.rglob("*.json*")):
        lines = path.read_bytes().split(b"\n")[:40]
        try:
            first = [json.loads(line) for line in lines if line.strip()][:20]
        except ValueError:
            continue
        if not first or not all(isinstance(row, dict) for row in first):
            continue
        how = decide_reading(SourceFile("s", path.name, path), Source(name="s", path="."), Terms(), first)
        if (lane := lane_of(how, first)) is None:
            continue
        piece = Range(path, 0, len(b"\n".join(lines)), 1)
        quick, slow = convert_range(piece, how, lane), convert(piece.lines(), how)
        assert quick.kept.equals(slow.kept), path
        assert (quick.rejects, quick.tallies, quick.rows) == (slow.rejects, slow.tallies, slow.rows)
        lanes, rows, apart = lanes + 1, rows + quick.rows, apart + quick.apart - len(slow.rejects)
    assert lanes > 180
    assert apart < rows * 0.02


def test_the_stored_bytes_are_those_of_rows_converted_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = [{"prompt": f"Say {n}.", "completion": f"{n}</s>" if n % 9 else ""} for n in range(300)]
    path = write_jsonl(tmp_path / "f.jsonl", values)
    quick = ingested(path, store=tmp_path / "quick")
    monkeypatch.setattr("tuneloom.ingest.stage.lane_of", lambda how, first: None)
    slow = ingested(path, store=tmp_path / "slow")
    assert [(file.path, file.digest) for file in quick.manifest.files] == [
        (file.path, file.digest) for file in slow.manifest.files
    ]


@pytest.mark.parametrize(
    ("names", "source", "terms"),
    [
        (("prompt", "completion", "url"), {}, Terms()),
        (("prompt", "completion", "category"), {}, Terms()),
        (("prompt", "inputs", "completion"), {}, Terms()),
        (("instruction", "output", "system"), {}, Terms()),
        (("prompt", "completion"), {}, Terms(licenses=frozenset(["MIT"]))),
        (("prompt", "completion"), {"license": "GPL-3.0"}, Terms(licenses=frozenset(["MIT"]))),
        (("q", "a"), {"columns": {"instruction": "q", "output": "a"}}, Terms()),
    ],
)
def test_files_whose_rows_need_more_than_joining_go_one_by_one(names: tuple, source: dict, terms: Terms) -> None:
    first = [dict.fromkeys(names, "Say.")]
    how = decide_reading(SourceFile("s", "f", Path("f")), Source(name="s", path=".", **source), terms, first)
    assert lane_of(how, first) is None


def test_what_the_source_says_of_all_rows_is_in_each(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "f.jsonl", [{"prompt": "Say 1.", "completion": "1"}] * 2)
    piece, how, lane = _lane(path, ("prompt", "completion"), language="German", license="MIT", use="evaluate")
    made = convert_range(piece, how, lane)
    assert made.apart == 0
    assert made.kept.to_pylist() == convert(piece.lines(), how).kept.to_pylist()
    assert [made.kept[name].to_pylist() for name in ("language", "license", "use")] == [
        ["de"] * 2, ["MIT"] * 2, ["evaluate"] * 2,
    ]  # fmt: skip
