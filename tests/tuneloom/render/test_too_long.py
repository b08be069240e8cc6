"""Too long: whole exchanges leave or part, the system's words stay, no answer is lost or said twice."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tuneloom.render.build import mixture, rendered, talk
from tuneloom.records import Conversation, Message
from tuneloom.render.loss_mask import learnt_runs
from tuneloom.render.shards import read_packs, read_rows
from tuneloom.render.tokenizer import load_row_tokenizer
from tuneloom.render.too_long import learn_last, split, truncate

ROLES = st.lists(st.sampled_from(["user", "assistant", "tool"]), max_size=12)


def said(roles, system: bool):
    talk = [{"role": "system", "content": "s"}] * system + [{"role": "user", "content": "0"}]
    return talk + [{"role": role, "content": str(i)} for i, role in enumerate(roles, start=1)]


@given(ROLES, st.booleans(), st.integers(1, 8))
def test_split_keeps_every_message_once_in_order_and_the_system_first(roles, system, room):
    talk = said(roles, system)
    runs = split(talk, lambda messages: len(messages) <= room)
    assert [m for run in runs for m in run if m["role"] != "system"] == talk[system:]
    assert all([m["role"] for m in run][: system + 1] == ["system"] * system + ["user"] for run in runs)
    exchanges = [sum(m["role"] == "user" for m in run) for run in runs]
    assert all(len(run) <= room or count == 1 for run, count in zip(runs, exchanges, strict=True))


@given(ROLES, st.booleans(), st.integers(1, 8))
def test_truncate_keeps_the_longest_end_that_fits(roles, system, room):
    talk = said(roles, system)
    kept = truncate(talk, lambda messages: len(messages) <= room)
    starts = [i for i, m in enumerate(talk) if m["role"] == "user"]
    ends = [talk[:system] + talk[start:] for start in starts]
    assert kept == next((end for end in ends if len(end) <= room), None)


def test_only_the_last_answer_is_learnt_where_the_config_says_so():
    weights = [m.get("weight") for m in learn_last(said(["assistant", "user", "assistant", "user"], False))]
    assert weights == [None, 0, None, None, None]


LONG = [f"answer {i} " + "x" * 40 for i in range(6)]
SAID = [m for i, text in enumerate(LONG) for m in (Message("user", f"question {i}"), Message("assistant", text))]
TALK = Conversation((Message("system", "Be brief."), *SAID))


def learnt(artifact, model, side="train") -> list[str]:
    tokenizer = load_row_tokenizer(model)
    return [
        text.removesuffix("<|im_end|>")
        for row in read_rows(artifact, side)
        for text in tokenizer.decode([row.ids[a:b] for a, b in learnt_runs(row.loss_mask)])
    ]


def test_a_split_row_becomes_several_that_are_counted_as_made(tmp_path, tiny_model):
    rows = mixture(tmp_path, [("train", TALK), ("train", talk("Hi", "Yo")), ("test", TALK)], repeats=[2, 1, 1])
    artifact = rendered(tmp_path, rows, tiny_model, 256, too_long="split")
    counts, found = artifact.manifest.counts, read_rows(artifact, "train")
    assert (counts.rows_in, counts.rejected) == (3, 0)
    assert counts.rows_in + counts.made == counts.rows_out == len(found) + 1
    assert sorted(learnt(artifact, tiny_model)) == sorted([*LONG, "Yo"])
    assert learnt(artifact, tiny_model, "test") == LONG[-len(learnt(artifact, tiny_model, "test")) :]
    assert artifact.stats["divided_rows"] == 1
    places = [place for pack in read_packs(artifact) for place in pack]
    assert [places.count(i) for i in range(len(found))] == found.repeats.tolist()


def test_truncating_drops_the_oldest_turns_and_counts_them(tmp_path, tiny_model):
    artifact = rendered(tmp_path, mixture(tmp_path, [("train", TALK)]), tiny_model, 256, too_long="truncate")
    kept = learnt(artifact, tiny_model)
    assert 0 < len(kept) < 6
    assert kept == LONG[-len(kept) :]
    assert artifact.stats["too_long"] == {"truncated_rows": 1, "dropped_messages": 2 * (6 - len(kept))}
    text = load_row_tokenizer(tiny_model).decode([read_rows(artifact, "train")[0].ids])[0]
    assert text.startswith("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nquestion")


def test_one_exchange_too_long_stays_rejected_and_the_others_are_kept(tmp_path, tiny_model):
    bad = talk("Hi", "Yo", "So?", "No " * 300, "Bye", "Ciao")
    for how, kept, made in (
        ("reject", ["a"], 0),
        ("truncate", ["Yo2", "a"], 0),
        ("split", ["Yo", "Ciao", "Yo2", "a"], 3),
    ):
        rows = mixture(
            tmp_path / how, [("train", bad), ("train", talk("x " * 300, "No", "q", "Yo2")), ("train", talk("q", "a"))]
        )
        artifact = rendered(tmp_path / how, rows, tiny_model, 256, too_long=how)
        wanted = ["Ciao", *kept] if how == "truncate" else kept
        assert sorted(learnt(artifact, tiny_model)) == sorted(wanted)
        assert artifact.manifest.counts.made == made
        assert artifact.manifest.reasons.get("too long", 0) == {"reject": 2, "truncate": 0, "split": 2}[how]


@settings(max_examples=10, deadline=None)
@given(st.lists(st.lists(st.integers(1, 90), min_size=1, max_size=5), min_size=1, max_size=4))
def test_under_split_every_answer_survives_whole_once_or_is_rejected(tmp_path_factory, tiny_model, lengths):
    place = tmp_path_factory.mktemp("split")
    talks = [
        talk(*(t for i, n in enumerate(row) for t in (f"q{r}.{i}", f"a{r}.{i} " + "y" * n)))
        for r, row in enumerate(lengths)
    ]
    rows = mixture(place, [("train", talk("first", "one")), *(("train", row) for row in talks)])
    artifact = rendered(place, rows, tiny_model, 96, too_long="split")
    counts = artifact.manifest.counts
    assert counts.rows_in + counts.made == counts.rows_out + counts.rejected
    answers = [m.content for row in talks for m in row.messages if m.role == "assistant"]
    found = learnt(artifact, tiny_model)
    assert sorted(found) == sorted({*found} & {*answers, "one"})
    assert len(found) + counts.rejected == len(answers) + 1
