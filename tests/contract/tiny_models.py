"""Sentence-transformers models of a few thousand random weights, made offline."""

from __future__ import annotations

import warnings
from pathlib import Path

WORDS = (
    "hukkasin",
    "korttini",
    "lasku",
    "var",
    "är",
    "kortet",
    "where",
    "is",
    "my",
    "invoice",
    "query",
    "passage",
)


def save_tiny_model(
    folder: Path,
    *,
    pooling: str = "mean",
    prompts: dict[str, str] | None = None,
    dense: bool = False,
    seed: int = 1,
) -> Path:
    """Save a two-layer BERT with word pieces, pooling, and a dense layer or normalisation."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling, Transformer
    from tokenizers import Tokenizer
    from tokenizers.models import WordPiece
    from tokenizers.normalizers import BertNormalizer
    from tokenizers.pre_tokenizers import BertPreTokenizer
    from tokenizers.processors import TemplateProcessing
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = [chr(code) for code in [*range(33, 48), *range(58, 65), *range(91, 127), 0xE4, 0xF6]]
    vocabulary = [*special, *letters, *(f"##{letter}" for letter in letters), *WORDS]
    splitter = Tokenizer(WordPiece({word: place for place, word in enumerate(vocabulary)}, unk_token="[UNK]"))
    splitter.normalizer = BertNormalizer(strip_accents=False)
    splitter.pre_tokenizer = BertPreTokenizer()
    splitter.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=splitter,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=64,
    )
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=96,
        max_position_embeddings=64,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        BertModel(config, add_pooling_layer=False).save_pretrained(folder / "bert")
        tokenizer.save_pretrained(folder / "bert")
        last = Dense(48, 24) if dense else Normalize()
        modules = [Transformer(str(folder / "bert")), Pooling(48, pooling_mode=pooling), last]
        SentenceTransformer(modules=modules, prompts=prompts).save(str(folder / "model"))
    return folder / "model"
