"""Labels: the row's own word first, then the format's, the source's, detection."""

from tuneloom.config import Source
from tuneloom.ingest.describe import describe, own_labels
from tuneloom.ingest.row import Row
from tuneloom.ingest.turns import exchange
from tuneloom.records import Conversation

_ENGLISH = Conversation(exchange("What is the capital of France, and why is it there?", "The capital is Paris."))
_CHINESE = Conversation(exchange("法国的首都是哪里？请简要说明原因。", "法国的首都是巴黎。"))


def test_own_labels_are_claimed_and_strange_ones_stay_in_meta() -> None:
    row = Row({"task": "sum", "category": ["a"], "language": "Chinese", "kind": "poem", "x": 1})
    assert own_labels(row) == {"task": "sum", "category": None, "license": None, "language": "zh", "kind": None}
    assert row.rest() == {"category": ["a"], "kind": "poem", "x": 1}


def test_a_language_name_nobody_knows_is_not_lost() -> None:
    row = Row({"language": "Klingonese"})
    assert own_labels(row)["language"] is None
    assert row.rest() == {"language": "Klingonese"}


def test_the_rows_own_word_beats_the_source_and_the_source_beats_detection() -> None:
    source = Source(name="s", path="p", language="fr", license="MIT")
    own = own_labels(Row({"language": "zh", "license": "CC0"}))
    assert describe(_ENGLISH, own, {}, source).language == "zh"
    assert describe(_ENGLISH, own, {}, source).license == "CC0"
    assert describe(_ENGLISH, own_labels(Row({})), {}, source).language == "fr"
    assert describe(_ENGLISH, own_labels(Row({})), {}, source).license == "MIT"


def test_language_and_kind_are_detected_where_nobody_says() -> None:
    source, nothing = Source(name="s", path="p"), own_labels(Row({}))
    assert describe(_ENGLISH, nothing, {}, source).language == "en"
    assert describe(_CHINESE, nothing, {}, source).language == "zh"
    assert describe(_ENGLISH, nothing, {}, source).kind == "natural"


def test_meta_of_the_row_and_of_the_instance_are_joined() -> None:
    one = Conversation(_ENGLISH.messages, meta={"id": "i1"})
    assert describe(one, own_labels(Row({})), {"url": "u"}, Source(name="s", path="p")).meta == {"url": "u", "id": "i1"}
