"""What ties rows together, key by key; what follows from it is tested in test_groups.py and test_stage.py."""

import numpy as np

from tests.tuneloom.dedup.builders import numbered, said
from tuneloom.records import Conversation, Message, to_table
from tuneloom.split.links import common_wording, folded_content, sequences_of, span_links, strong_links

TEXT = "the quick brown fox jumps over the lazy dog by the old river bank every morning"


def keys_of(*rows: Conversation) -> list[set[int]]:
    links = strong_links(to_table(numbered(rows)), 10)
    return [set(links.keys[links.rows == 10 + n].tolist()) for n in range(len(rows))]


def test_the_first_turn_of_a_talk_is_the_prompt_of_a_question():
    talk = Conversation(
        tuple(Message(role, TEXT if not n else f"{n}") for n, role in enumerate(("user", "assistant") * 2))
    )
    question, other = said(TEXT, "A"), said(f"{TEXT} again", "A")
    found = keys_of(talk, question, other)
    assert found[0] & found[1]
    assert not found[0] & found[2]


def test_every_row_has_a_key():
    assert all(keys_of(said("", ""), said("?", ""), Conversation(())))


def test_template_wording_makes_no_span():
    rows = [said(f"{TEXT} {n}", f"{n} answers") for n in range(30)]
    sequences = sequences_of(folded_content(to_table(numbered(rows))))
    common = common_wording([sequences])
    assert len(common) == len(TEXT.split()) - 4
    assert len(span_links(sequences, np.empty(0, np.uint64)).keys) > 30
    assert not len(span_links(sequences, common).keys)


def test_few_rows_of_a_file_have_a_passage_and_no_template():
    content = folded_content(to_table(numbered([said(f"{TEXT} {n}", "A") for n in range(9)])))
    assert not len(common_wording([sequences_of(content)]))
