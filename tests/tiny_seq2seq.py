"""Tiny random encoder-decoders: T5 with a SentencePiece-like Unigram tokenizer, BART with the byte-level BPE one."""

from pathlib import Path

from tests.tiny_model import TRAINING_TEXT, make_tiny_tokenizer


def make_tiny_t5(folder: Path, seed: int = 0) -> Path:
    """A T5 of two layers; its tokenizer puts a space before each text and ends each with </s>, as T5's does."""
    import torch
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

    unigram = Tokenizer(models.Unigram())
    unigram.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace("\n", " ")])
    unigram.pre_tokenizer = pre_tokenizers.Metaspace()
    unigram.decoder = decoders.Metaspace()
    special = ["<pad>", "</s>", "<unk>", "<extra_id_0>"]
    trainer = trainers.UnigramTrainer(vocab_size=300, special_tokens=special, unk_token="<unk>", show_progress=False)
    unigram.train_from_iterator([*TRAINING_TEXT, "abcdefghijklmnopqrstuvwxyz ABC 0123456789 .,:?! < > / _ |"], trainer)
    unigram.post_processor = processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", 1)])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=unigram, pad_token="<pad>", eos_token="</s>", unk_token="<unk>",
        additional_special_tokens=["<extra_id_0>"],
    )  # fmt: skip
    config = T5Config(
        vocab_size=len(tokenizer), d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, dropout_rate=0.0,
        pad_token_id=0, eos_token_id=1, decoder_start_token_id=0,
    )  # fmt: skip
    torch.manual_seed(seed)
    T5ForConditionalGeneration(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_tiny_bart(folder: Path, seed: int = 0) -> Path:
    """A BART of two layers."""
    import torch
    from transformers import BartConfig, BartForConditionalGeneration

    tokenizer = make_tiny_tokenizer()
    tokenizer.chat_template = None
    end = tokenizer.eos_token_id
    config = BartConfig(
        vocab_size=len(tokenizer), d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4,
        decoder_attention_heads=4, encoder_ffn_dim=64, decoder_ffn_dim=64, dropout=0.0, max_position_embeddings=512,
        pad_token_id=0, eos_token_id=end, bos_token_id=1, decoder_start_token_id=end, init_std=0.2,
    )  # fmt: skip
    torch.manual_seed(seed)
    BartForConditionalGeneration(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
