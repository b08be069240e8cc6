"""What the stage counts: per rule alone and first, by side, in plain JSON."""

import json

from tests.rows import chat
from tests.tuneloom.quality.judged import table
from tuneloom.config import Rule
from tuneloom.quality.frame import text_frame
from tuneloom.quality.measure import measure
from tuneloom.quality.rules import Profile, breaks
from tuneloom.quality.tally import Tally

LONG = Rule(name="long", value="answer_words", max=1, when="turns = 1", source="a test")


def test_a_rule_is_told_with_its_bound_what_it_rejected_and_would_alone() -> None:
    tally = Tally(Profile("mine", (LONG,), {"long": "mine-1"}))
    frame = text_frame(table([chat("a", "b c"), chat("d", "e"), chat("f", "g h")]))
    judged = frame.select("kind", "script", "language").hstack(measure(frame))
    tally.judge(judged, judged.select(breaks(LONG).alias("long")))
    tally.reject(["long", "personal data"], ["test", "train"])
    told = json.loads(json.dumps(tally.as_dict()))
    assert told["rules"]["long"] == {
        "value": "answer_words", "max": 1, "when": "turns = 1", "source": "a test", "version": "mine-1",
        "rejected": 1, "by_side": {"test": 1}, "alone": 2,
    }  # fmt: skip
    assert told["rules"]["personal data"] == {"rejected": 1, "by_side": {"train": 1}}
    assert (told["profile"], told["judged"], told["edited"]) == ("mine", 3, {})
    assert sum(told["histograms"]["answer_words"]["counts"]) == 3


def test_edits_and_masks_add_up_over_parts() -> None:
    tally = Tally(Profile("none"))
    for _ in range(2):
        tally.edit({"spelling": 3})
    assert tally.as_dict()["edited"] == {"spelling": 6}
