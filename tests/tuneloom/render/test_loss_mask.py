"""The loss mask: exactly the assistant's words and their end token, proven from the arrays."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import needed
from tests.tiny_model import make_tiny_tokenizer
from tests.tuneloom.render.templates import CHATML, FAMILIES, TOKENIZERS, family, say, with_template
from tuneloom.errors import ConfigError, UnknownModel
from tuneloom.models.token_row import TokenRow
from tuneloom.release import chat
from tuneloom.render.chat_template import Rendering
from tuneloom.render.loss_mask import (
    Said,
    Unproven,
    check_tokenizer,
    learnt_runs,
    prompt_ids,
    write_masks,
    write_rows,
)
from tuneloom.render.plans import cut
from tuneloom.render.sheet import Sheet
from tuneloom.render.tokenizer import load_row_tokenizer, row_tokenizer


def mask(tokenizer, messages) -> TokenRow | Unproven:
    rendering = tokenizer.template.render(messages)
    assert isinstance(rendering, Rendering), rendering
    (row,) = write_masks(["row"], [rendering], tokenizer)
    return row


def learnt_texts(tokenizer, row: TokenRow) -> list[str]:
    return tokenizer.decode([row.ids[a:b] for a, b in learnt_runs(row.loss_mask)])


def test_the_literal_mask_of_a_literal_row():
    tokenizer = family("chatml")
    row = mask(tokenizer, say("Hi", "Yo"))
    shown = list(zip(tokenizer.decode([[i] for i in row.ids]), row.loss_mask.tolist(), strict=True))
    assert (
        "".join(text for text, bit in shown if not bit) == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n\n"
    )
    assert [text for text, bit in shown if bit] == ["Yo", "<|im_end|>"]
    assert row.ids.dtype == np.int32
    assert row.loss_mask.dtype == np.uint8


@pytest.mark.parametrize("tokens", sorted(TOKENIZERS))
@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_every_family_with_every_tokenizer_learns_words_and_end_of_turn_of_every_answer(name, tokens):
    """And its ids are those of the whole text, wherever the tokenizer puts spaces of its own."""
    tokenizer = family(name, tokens)
    check_tokenizer(tokenizer)
    end = FAMILIES[name][1][-1]
    row = mask(tokenizer, say("Hi the", "Yo", "And?", "the 我很好。🎈"))
    learnt = [bytes(tokenizer.said(row.ids[a:b])[0]).decode() for a, b in learnt_runs(row.loss_mask)]
    said = [text.lstrip().removeprefix("<think>\n\n</think>\n\n") for text in learnt]  # Qwen 3's, before the last
    assert said == [f"Yo{end}", f"the 我很好。🎈{end}"]


@pytest.mark.parametrize("tokens", sorted(TOKENIZERS))
@given(texts=st.lists(st.text(alphabet=" \n▁aYoHithe你🎈é<|>", min_size=1, max_size=10), min_size=2, max_size=4))
@settings(max_examples=25, deadline=None)
def test_any_words_get_the_same_row_by_plan_and_by_rendering(tokens, texts):
    tokenizer = family("mistral", tokens)
    rendering = tokenizer.template.render(say(*texts))
    (row,), _ = vars(write_rows([Said("row", say(*texts))], tokenizer)).values()
    if isinstance(rendering, Rendering):
        (want,) = write_masks(["row"], [rendering], tokenizer)
        assert type(row) is type(want)
        assert isinstance(row, Unproven) or row.ids.tolist() == want.ids.tolist()
    assert tokenizer.quick, "the sampled row agreed"


@pytest.mark.parametrize("tokens", sorted(TOKENIZERS))
@given(texts=st.lists(st.text(alphabet=" aYoHithe你🎈é.", min_size=1, max_size=10), min_size=2, max_size=2))
@settings(max_examples=25, deadline=None)
def test_pieces_of_any_words_join_to_the_ids_of_the_whole_text_but_at_the_answers_edge(tokens, texts):
    """Llama 3's header ends in a line break, with which no token of these words begins: there is no edge to differ."""
    from tokenizers import Tokenizer

    tokenizer = family("llama 3", tokens)
    rendering = tokenizer.template.render(say(*texts))
    if not isinstance(rendering, Rendering):
        return
    (row,) = write_masks(["row"], [rendering], tokenizer)
    whole = Tokenizer.from_str(tokenizer.backend.to_str())
    whole.encode_special_tokens = False
    assert row.ids.tolist() == whole.encode(rendering.text, add_special_tokens=False).ids


def test_a_message_of_weight_0_is_read_and_not_learnt():
    tokenizer = family("chatml")
    messages = say("Hi", "Yo", "And?", "Fine")
    messages[1]["weight"] = 0
    row = mask(tokenizer, messages)
    assert learnt_texts(tokenizer, row) == ["Fine<|im_end|>"]
    assert "Yo" in tokenizer.decode([row.ids])[0]


def test_no_token_reaches_over_the_edge_of_an_answer():
    """`\\n` of the header and `\\n` of the answer are one token where the text is tokenised whole."""
    tokenizer = family("chatml")
    merged = row_tokenizer(_with_merge(tokenizer.backend, "Ċ", "Ċ"), CHATML, {})
    row = mask(merged, say("Hi", "\n\nYo"))
    assert learnt_texts(merged, row) == ["\n\nYo<|im_end|>"]
    assert merged.decode([prompt_ids(row)])[0].endswith("<|im_start|>assistant\n"), "where the model will be asked"


@given(st.lists(st.text(alphabet=" \n<|im_end|>ab你🎈é", min_size=1, max_size=10), min_size=2, max_size=4))
@settings(max_examples=50, deadline=None)
def test_hostile_words_are_learnt_to_the_letter_and_never_as_special_tokens(texts):
    tokenizer = family("chatml")
    row = mask(tokenizer, say(*texts))
    assert learnt_texts(tokenizer, row) == [text + "<|im_end|>" for text in texts[1::2]]
    assert np.isin(row.ids, list(tokenizer.special.values())).sum() == 2 * len(texts)


def test_where_no_words_imitate_tokens_the_ids_are_what_transformers_gives():
    tokenizer = make_tiny_tokenizer()
    tokenizer.chat_template = CHATML
    mine = row_tokenizer(tokenizer.backend_tokenizer, CHATML, tokenizer.special_tokens_map)
    messages = say("What is the capital of France?", "Paris. 巴黎")
    want = tokenizer.apply_chat_template(messages, tokenize=True, return_dict=False)
    assert mask(mine, messages).ids.tolist() == want
    asked = tokenizer.apply_chat_template(messages[:1], tokenize=True, add_generation_prompt=True, return_dict=False)
    assert chat.prompt_ids(tokenizer, messages[:1]) == asked == prompt_ids(mask(mine, messages)).tolist()


def test_templates_with_generation_tags_learn_the_same_tokens_as_without():
    """`{% generation %}` marks what transformers' `assistant_masks` learn, often without the end token; the tag is read
    over and the end of turn learnt."""
    tagged = CHATML.replace("m['content'] + ", "").replace(
        "{{ '<|im_start|>' + m['role'] + '\n' + '<|im_end|>\n' }}",
        "{{ '<|im_start|>' + m['role'] + '\n' }}{% generation %}{{ m['content'] }}{% endgeneration %}"
        "{{ '<|im_end|>\n' }}",
    )
    assert "generation" in tagged
    special = ["<|im_start|>", "<|im_end|>"]
    plain, marked = with_template(CHATML, special), with_template(tagged, special)
    messages = say("Hi", "Yo", "And?", "So")
    assert mask(marked, messages).ids.tolist() == mask(plain, messages).ids.tolist()
    assert learnt_texts(marked, mask(marked, messages)) == ["Yo<|im_end|>", "So<|im_end|>"]


def test_a_template_that_tells_history_another_way_is_masked_where_it_stands():
    """Rendering message by message and taking differences goes wrong here: earlier answers lose their reasoning, and
    the last turn gets an opening of its own."""
    tokenizer = family("qwen")
    messages = say("Hi", "Yo", "And?", "So")
    messages[1]["reasoning"] = messages[3]["reasoning"] = "I think."
    row = mask(tokenizer, messages)
    assert learnt_texts(tokenizer, row) == ["Yo<|im_end|>", "<think>\nI think.\n</think>\n\nSo<|im_end|>"]
    (planned,) = write_rows([Said("row", messages)], tokenizer).rows
    assert planned.ids.tolist() == row.ids.tolist()


@pytest.mark.parametrize("name", ["llama 3", "gemma"])
def test_white_space_that_the_template_strips_is_not_learnt_and_is_counted(name):
    tokenizer = family(name)
    written = write_rows([Said("row", say(" Hi", "\n Yo \n"))], tokenizer)
    assert written.trimmed == [2]
    assert learnt_texts(tokenizer, written.rows[0]) == ["Yo" + FAMILIES[name][1][-1]]


def test_a_begin_token_stands_once_also_where_the_tokenizer_would_add_one():
    from tokenizers import processors

    backend = family("llama 3").backend
    begin = FAMILIES["llama 3"][1][0]
    backend.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A", special_tokens=[(begin, backend.token_to_id(begin))]
    )
    template, special = FAMILIES["llama 3"]
    tokenizer = row_tokenizer(backend, template, {"bos_token": special[0], "eos_token": special[-1]})
    check_tokenizer(tokenizer)
    assert mask(tokenizer, say("Hi", "Yo")).ids.tolist().count(backend.token_to_id(begin)) == 1


def test_a_sampled_row_that_disagrees_makes_all_rows_anew_the_slow_way(caplog):
    tokenizer = family("chatml")
    tokenizer.engine._fast = family("chatml", "byte-level, space before").engine._fast  # another tokenizer's engine
    (row,) = write_rows([Said("row", say("Hi", "Yo"))], tokenizer).rows
    assert row.ids.tolist() == mask(family("chatml"), say("Hi", "Yo")).ids.tolist()
    assert not tokenizer.quick
    assert tokenizer.engine.name.startswith("tokenizers ")
    assert "sampled row" in caplog.text


def test_a_tokenizer_that_loses_a_character_proves_nothing():
    from tokenizers import normalizers

    backend = make_tiny_tokenizer().backend_tokenizer
    backend.normalizer = normalizers.Replace("é", "")
    tokenizer = row_tokenizer(backend, CHATML, {})
    assert mask(tokenizer, say("Hi", "café")) == Unproven("café<|im_end|>", "caf<|im_end|>")
    assert isinstance(mask(tokenizer, say("café", "Yo")), TokenRow)


def test_a_doubled_begin_token_is_refused():
    tokenizer = with_template("{{ bos_token + bos_token }}" + CHATML, ["<s>", "<|im_start|>", "<|im_end|>"])
    with pytest.raises(ConfigError, match="begins with two '<s>'"):
        check_tokenizer(tokenizer)


def test_a_tokenizer_that_treats_pieces_in_another_way_is_refused():
    from tokenizers import normalizers

    backend = make_tiny_tokenizer().backend_tokenizer
    backend.normalizer = normalizers.Strip()
    with pytest.raises(ConfigError, match="pieces"):
        check_tokenizer(row_tokenizer(backend, CHATML, {}))


def test_a_template_without_an_end_of_turn_is_refused_at_once():
    with pytest.raises(ConfigError, match="no end of turn"):
        check_tokenizer(with_template("{% for m in messages %}{{ m.content }}{% endfor %}", ["<s>"]))


def test_an_empty_answer_is_nothing_to_learn():
    assert mask(family("chatml"), say("Hi", "")).supervised == 0


def test_learnt_runs_are_found_at_the_edges():
    assert learnt_runs(np.array([0, 1, 1, 0, 1], np.uint8)) == [(1, 3), (4, 5)]
    assert learnt_runs(np.zeros(3, np.uint8)) == []


def test_2000_real_rows_are_proven_with_the_real_tokenizer(realdata):
    """And every one by itself and by `tokenizers` has the tokens that it has by plan and the fast engine."""
    tokenizer = load_row_tokenizer(_smollm2())
    check_tokenizer(tokenizer)
    conversations = list(_real_conversations(realdata))[:2000]
    assert len(conversations) == 2000
    rows = write_rows([Said(str(i), messages) for i, messages in enumerate(conversations)], tokenizer).rows
    renderings = [tokenizer.template.render(messages) for messages in conversations]
    for messages, row, other in zip(conversations, rows, _judged(renderings, tokenizer), strict=True):
        assert isinstance(row, TokenRow), (messages, row)
        want = [m["content"] + "<|im_end|>" for m in messages if m["role"] == "assistant"]
        assert learnt_texts(tokenizer, row) == want
        assert row.ids.tolist() == other.ids.tolist()
    assert tokenizer.engine.name.startswith("fastokens ")


@pytest.mark.slow
def test_all_real_rows_are_proven_or_refused_with_a_reason(realdata, tmp_path):
    """Every conversation of the real data, as ingestion gives it: rows of words alone are proven, all of them."""
    tokenizer = load_row_tokenizer(_smollm2())
    seen = unproven = 0
    for table in _ingested(realdata, tmp_path):
        said = [
            Said(row["id"], row["messages"], row["tools"])
            for row in table.select(["id", "messages", "tools"]).to_pylist()
        ]
        for one, row in zip(said, write_rows(said, tokenizer).rows, strict=True):
            seen += 1
            if isinstance(row, TokenRow):
                want = [m["content"] + "<|im_end|>" for m in one.messages if m["role"] == "assistant" and m["weight"]]
                assert [bytes(tokenizer.said(row.ids[a:b])[0]).decode() for a, b in learnt_runs(row.loss_mask)] == want
            else:
                unproven += 1
                assert one.tools or any(m["tool_calls"] or not m["content"] for m in one.messages), (one, row)
    assert seen > 70_000
    assert unproven < seen / 100
    assert tokenizer.quick


def _judged(renderings, tokenizer):
    sheet = Sheet(tokenizer, slowly=True)
    for rendering in renderings:
        sheet.add(list(cut(rendering)))
    return sheet.finish([""] * len(renderings))


def _ingested(realdata, store):
    from tuneloom.artifacts import Spec, Store
    from tuneloom.config import Source
    from tuneloom.ingest.block import Terms
    from tuneloom.ingest.discover import SourceFile
    from tuneloom.ingest.files import Job, ingest_files

    sources = ("alpaca", "code", "flan_cot", "gpteacher", "gsm8k", "messages", "natural_instructions", "preference")
    sources += ("self_instruct", "sharegpt", "t0", "zh")
    files = sorted(path for name in sources for path in (realdata / name).rglob("*.json*") if path.stat().st_size)
    source = Source(name="real", path=".")
    jobs = [
        Job(Spec("ingest", "real", inputs={"file": str(file)}), SourceFile("real", file.name, file), source)
        for file in files
    ]
    for artifact in ingest_files(Store(store), jobs, Terms()):
        yield from artifact.tables()


def _with_merge(backend, left: str, right: str):
    from tokenizers import Tokenizer

    tree = json.loads(backend.to_str())
    size = len(tree["model"]["vocab"]) + len(tree["added_tokens"])
    tree["model"]["vocab"][left + right] = size
    tree["model"]["merges"].insert(0, [left, right])
    return Tokenizer.from_str(json.dumps(tree))


def _smollm2():
    from tuneloom.models.load import model_folder
    from tuneloom.models.resolve import resolve_model

    try:
        return model_folder(resolve_model("smollm2-135m-instruct"))
    except UnknownModel as error:
        needed(str(error), False)


def _real_conversations(realdata):
    """English, Chinese, code, and many turns: as many of each as there are, up to 500."""
    for file, columns in [
        ("zh/alpaca_zh_demo.json", ("instruction", "input", "output")),
        ("alpaca/alpaca_en_demo.json", ("instruction", "input", "output")),
        ("code", ("instruction", "input", "output")),
    ]:
        path = realdata / file
        files = sorted(path.glob("*.json")) if path.is_dir() else [path]
        rows = [row for one in files for row in json.loads(one.read_text("utf-8"))]
        for row in rows[:500]:
            ask, more, answer = (row.get(name) or "" for name in columns)
            if answer:
                yield say(f"{ask}\n\n{more}" if more else ask, answer)
    for file in sorted((realdata / "t0").glob("*.jsonl"))[::4]:
        for line in file.read_text("utf-8").splitlines()[:15]:
            row = json.loads(line)
            if row["completion"].strip() != "<|endoftext|>":
                yield say(row["prompt"], row["completion"])
