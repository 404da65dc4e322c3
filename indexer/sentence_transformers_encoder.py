"""Any sentence-transformers model as the encoder: exported to ONNX once, then served without torch.

The export holds all modules of the model (transformer, pooling, dense, normalisation) and takes one text's
token ids. It is compared with the model itself before it is kept. Only preparing imports torch and
sentence-transformers; serving imports ``tokenizers``.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.console import Progress, no_progress
from indexer.encoder_cache import MODEL, Prepared, checksums, open_prepared, sha256_of
from indexer.errors import EncoderError
from indexer.onnx_encoder import OnnxEncoder
from indexer.onnx_export import export, keep, quantise_matrices, unit_vector
from indexer.tokenizer_model import MAX_TOKENS, valid_unicode

RECIPE = 1  #: raised whenever the same model would give other vectors
STEP = "Preparing the encoder"

_TOKENIZER = "tokenizer.json"
_LONGEST_TOKEN = 40  #: characters; more text than a model reads need not be tokenised
_EXACT = 0.999  #: least cosine of the float32 export to the model
_CLOSE = 0.98  #: least cosine of the int8 export to the model; below, float32 is served
_PUBLIC_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")

#: Encoded by the model and by its export, to compare them: of several lengths, languages and alphabets. None
#: spells a control token, which the model's own tokenizer would take for one and ours does not.
_SAMPLES = (
    "x",
    "Miten vaihdan salasanan?",
    "Jag har tappat bort mitt kort, vad gör jag nu?",
    "Where do I find the invoice for last month? It isn't in my e-mail, <b>nor</b> in the app.",
    "Lounasetu latautuu kortille kuukauden ensimmäisenä arkipäivänä. " * 8,
    "10:30–14:00 · 12,50 € · привет · こんにちは · 🙂",
)

log = logging.getLogger(__name__)


def open_model(
    name: str,
    *,
    cache: Path | None = None,
    threads: int | None = None,
    progress: Progress = no_progress,
) -> OnnxEncoder:
    """The model in this folder or with this public name; exported first if need be.

    Raises ``EncoderError``.
    """
    folder, prepared = open_prepared(
        _cache_key(name), lambda draft: prepare_model(name, draft, progress), cache=cache
    )
    return OnnxEncoder(
        folder / MODEL,
        FileTokenizer(folder / _TOKENIZER),
        name=name,
        fingerprint=prepared.fingerprint,
        query_prefix=prepared.query_prefix,
        passage_prefix=prepared.passage_prefix,
        threads=threads,
    )


class FileTokenizer:
    """Token ids by a ``tokenizer.json``, which also says how many of them the model reads."""

    def __init__(self, path: Path) -> None:
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise EncoderError(_missing("tokenizers")) from error
        self._tokenizer = Tokenizer.from_file(str(path))
        # A customer who writes "[SEP]" or "</s>" means these characters, not a control token.
        self._tokenizer.encode_special_tokens = True
        truncation = self._tokenizer.truncation or {"max_length": MAX_TOKENS}
        self._characters = int(truncation["max_length"]) * _LONGEST_TOKEN

    def ids(self, text: str) -> list[int]:
        """Token ids of ``text`` with the model's own begin and end tokens."""
        ids: list[int] = self._tokenizer.encode(valid_unicode(text).strip()[: self._characters]).ids
        return ids or [0]  # a tokenizer without begin and end tokens has nothing for an empty text


def prefixes(name: str, prompts: Mapping[str, str]) -> tuple[str, str]:
    """What stands before queries and passages: the model's prompts, or those that e5 was trained with."""
    query = prompts.get("query") or ""
    passage = prompts.get("passage") or prompts.get("document") or ""
    if query or passage:
        return query, passage
    words = re.split(r"[^a-z0-9]+", name.lower())
    if "e5" not in words:
        return "", ""
    if "instruct" in words:
        task = "Given a web search query, retrieve relevant passages that answer the query"
        return f"Instruct: {task}\nQuery: ", ""
    return "query: ", "passage: "


def prepare_model(name: str, folder: Path, progress: Progress = no_progress) -> Prepared:
    """Write the export and the tokenizer into ``folder``. Raises ``EncoderError``."""
    with _quiet():
        model = _load(name)
        progress(STEP, 1, 4)
        query_prefix, passage_prefix = prefixes(name, model.prompts or {})
        if (query_prefix or passage_prefix) and not all(getattr(m, "include_prompt", True) for m in model):
            raise EncoderError(
                f'the encoder model "{name}" leaves its prompt out of pooling, which is not supported: '
                "choose another model"
            )
        _save_tokenizer(name, model, folder / _TOKENIZER)
        with tempfile.TemporaryDirectory(dir=folder) as work:
            exact = Path(work) / MODEL
            try:
                export(model, _model_ids(model, _SAMPLES[1]), exact)
            # torch raises many unrelated types for a model that it cannot trace.
            except Exception as error:
                raise EncoderError(
                    f'the encoder model "{name}" cannot be exported to ONNX ({_first_line(error)}): '
                    "choose another model"
                ) from error
            progress(STEP, 2, 4)
            _keep_best(name, model, exact, folder)
        progress(STEP, 4, 4)
        return Prepared(
            fingerprint=f"{_weights_sha256(model, folder / _TOKENIZER)}-s{RECIPE}",
            query_prefix=query_prefix,
            passage_prefix=passage_prefix,
            files=checksums(folder),
        )


def _cache_key(name: str) -> str:
    """Name of the prepared encoder: by content for a folder, so that a changed model is exported again."""
    digest = hashlib.sha256()
    source = Path(name).expanduser()
    if name and source.is_dir():
        for path in sorted(path for path in source.rglob("*") if path.is_file()):
            digest.update(f"{path.relative_to(source).as_posix()}\0{sha256_of(path)}\0".encode())
    elif _PUBLIC_NAME.fullmatch(name):
        digest.update(name.encode())
    else:
        raise EncoderError(
            f'there is no folder "{name}" with an encoder model: '
            'set encoder to "bundled", to a folder, or to the name of a public sentence-transformers model'
        )
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[-40:]
    return f"{slug}-{digest.hexdigest()[:12]}-s{RECIPE}"


def _load(name: str) -> Any:  # noqa: ANN401 - a SentenceTransformer, whose class is only imported here
    try:
        import torch  # noqa: F401 - says which of the two is missing
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise EncoderError(_missing(error.name or "torch")) from error
    source = Path(name).expanduser()
    place = str(source) if source.is_dir() else name
    kind = {"attn_implementation": "eager"}  # the one that every version of ONNX can express
    try:
        try:
            model = SentenceTransformer(place, device="cpu", local_files_only=True, model_kwargs=kind)
        except OSError:
            if source.is_dir():
                raise
            log.info("downloading the encoder model %s", name)
            model = SentenceTransformer(place, device="cpu", model_kwargs=kind)
    # Its loaders raise whatever the file formats' and the network's libraries raise.
    except Exception as error:
        raise EncoderError(
            f'the encoder model "{name}" cannot be loaded ({_first_line(error)}): '
            "give the folder of a sentence-transformers model, or the name of a public one"
        ) from error
    return model.float().eval()


def _save_tokenizer(name: str, model: Any, path: Path) -> None:  # noqa: ANN401
    fast = getattr(model.tokenizer, "backend_tokenizer", None)
    if fast is None:
        raise EncoderError(
            f'the encoder model "{name}" has no tokenizer of the "fast" kind: choose another model'
        )
    fast.no_padding()
    fast.enable_truncation(min(model.max_seq_length or MAX_TOKENS, MAX_TOKENS))
    fast.save(str(path))


def _keep_best(name: str, model: Any, exact: Path, folder: Path) -> None:  # noqa: ANN401
    """Put the int8 export into ``folder`` if it is as good as the model, else the float32 one."""
    wanted = np.stack([unit_vector(model, _model_ids(model, text)) for text in _SAMPLES])
    found = _least_cosine(exact, folder, wanted)
    if not found >= _EXACT:
        raise EncoderError(
            f'the encoder model "{name}" gives other vectors after its export to ONNX '
            f"(cosine {found:.3f}): choose another model"
        )
    small = exact.with_name("int8.onnx")
    quantise_matrices(exact, small)
    found = _least_cosine(small, folder, wanted)
    if not found >= _CLOSE:
        log.warning("%s loses too much in int8 (cosine %.3f): it is served in float32", name, found)
    keep(small if found >= _CLOSE else exact, folder / MODEL)


def _least_cosine(path: Path, folder: Path, wanted: NDArray[np.float32]) -> float:
    encoder = OnnxEncoder(path, FileTokenizer(folder / _TOKENIZER), name="", fingerprint="", threads=1)
    return float((encoder.encode_passages(_SAMPLES) * wanted).sum(axis=1).min())


def _model_ids(model: Any, text: str) -> list[int]:  # noqa: ANN401
    """Token ids by the model's own preparation of a text."""
    preprocess = getattr(model, "preprocess", None) or model.tokenize  # the name before version 6
    ids: list[int] = preprocess([text])["input_ids"][0].tolist()
    return ids


def _weights_sha256(model: Any, tokenizer: Path) -> str:  # noqa: ANN401
    digest = hashlib.sha256(tokenizer.read_bytes())
    for module in model:
        config = json.dumps(module.get_config_dict(), sort_keys=True, default=str)
        digest.update(f"{type(module).__name__}\0{config}\0".encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor.numpy()).data)
    return digest.hexdigest()


def _missing(package: str) -> str:
    return (
        f"a sentence-transformers model needs {package}, which is not installed: "
        'run "pip install helppari[models]", or set encoder to "bundled"'
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the warnings of torch about tracing, which are of no use to who runs this."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
