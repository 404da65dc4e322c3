"""The bundled encoder's tokenizer: sentencepiece over the pieces of its data file."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from indexer.e5_file import Vocabulary

MAX_TOKENS = 512
LONGEST_TEXT = MAX_TOKENS * 16  #: characters; no piece is longer than 16, so that more is never read

# Where the model's own normaliser does something else than NFKC: control characters vanish; marks without
# width, the sign for a space inside pieces and the replacement character become spaces.
_VANISH = dict.fromkeys([*range(0x01, 0x09), 0x0B, *range(0x0E, 0x20), 0x7F, 0x8F, 0x9F], "")
_TO_SPACE = dict.fromkeys([0x00, *range(0x200B, 0x2010), 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD], " ")
_TRANSLATION = {**_VANISH, **_TO_SPACE}


def normalise(text: str) -> str:
    """The part of ``text`` that can be read, in NFKC with single spaces: what the pieces are looked up in."""
    # Cut before NFKC too: its time grows with the square of a run of combining marks.
    words = " ".join(valid_unicode(text).translate(_TRANSLATION).split())[: 2 * LONGEST_TEXT]
    return " ".join(unicodedata.normalize("NFKC", words).split())[:LONGEST_TEXT]


def valid_unicode(text: str) -> str:
    """``text`` with "?" for halves of surrogate pairs, which JSON can carry and no tokenizer takes."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def sentencepiece_model(vocabulary: Vocabulary) -> bytes:
    """A serialised sentencepiece model whose piece numbers are the encoder's token ids.

    Control tokens, ``<mask>`` too, are never made from a text that spells them: a customer's ``<s>`` is
    text.
    """
    from sentencepiece import sentencepiece_model_pb2 as proto

    model = proto.ModelProto()  # type: ignore[attr-defined]  # protobuf makes its classes while importing
    kinds = model.SentencePiece
    controls = {vocabulary.bos, vocabulary.eos, vocabulary.pad}
    for number, (piece, score) in enumerate(zip(vocabulary.pieces, vocabulary.scores, strict=True)):
        kind = kinds.NORMAL
        if number == vocabulary.unk:
            kind = kinds.UNKNOWN
        elif number in controls or piece == "<mask>":
            kind = kinds.CONTROL
        model.pieces.add(piece=piece, score=score, type=kind)
    model.trainer_spec.model_type = model.trainer_spec.UNIGRAM
    model.trainer_spec.bos_id = vocabulary.bos
    model.trainer_spec.eos_id = vocabulary.eos
    model.trainer_spec.pad_id = vocabulary.pad
    model.trainer_spec.unk_id = vocabulary.unk
    model.normalizer_spec.name = "identity"  # ``normalise`` has done it
    model.normalizer_spec.add_dummy_prefix = True
    model.normalizer_spec.escape_whitespaces = True
    model.normalizer_spec.remove_extra_whitespaces = True
    serialised: bytes = model.SerializeToString()
    return serialised


class SentencePieceTokenizer:
    """Token ids of texts, begin and end tokens included, at most 512 of them."""

    def __init__(self, path: Path) -> None:
        from sentencepiece import SentencePieceProcessor

        self._processor = SentencePieceProcessor(model_file=str(path))
        self._bos: int = self._processor.bos_id()
        self._eos: int = self._processor.eos_id()

    def ids(self, text: str) -> list[int]:
        """Ids of ``text``; never empty, as the begin and end tokens are always there."""
        pieces: list[int] = self._processor.encode(normalise(text))
        return [self._bos, *pieces[: MAX_TOKENS - 2], self._eos]
