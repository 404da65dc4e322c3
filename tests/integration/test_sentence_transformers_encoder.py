"""Exported sentence-transformers models against the models themselves."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from indexer import sentence_transformers_encoder
from indexer.encoders import open_encoder
from indexer.errors import EncoderError
from indexer.sentence_transformers_encoder import FileTokenizer, prefixes
from tests.contract.tiny_models import save_tiny_model

TASK = "Given a web search query, retrieve relevant passages that answer the query"
TEXTS = ["hukkasin korttini", "var är kortet?", "", "x", "where is my invoice " * 30, "lasku, kortti & muut"]


def reference(model: Path, texts: list[str]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    from sentence_transformers import SentenceTransformer

    loaded = SentenceTransformer(str(model), device="cpu")
    vectors: np.ndarray[tuple[int, int], np.dtype[np.float32]] = np.stack(
        [loaded.encode(text, prompt="", normalize_embeddings=True) for text in texts]
    )
    return vectors


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    prompts = {"query": "query: ", "passage": "passage: "}
    return save_tiny_model(tmp_path_factory.mktemp("mean"), prompts=prompts)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def test_int8_vectors_are_close_to_the_models_with_its_prompts(model: Path, cache: Path) -> None:
    encoder = open_encoder(str(model), cache=cache)
    assert (encoder.name, encoder.dim) == (str(model), 48)
    assert (encoder.query_prefix, encoder.passage_prefix) == ("query: ", "passage: ")
    queries = reference(model, [f"query: {text}" for text in TEXTS])
    passages = reference(model, [f"passage: {text}" for text in TEXTS])
    assert (encoder.encode_queries(TEXTS) * queries).sum(axis=1).min() > 0.98
    assert (encoder.encode_passages(TEXTS) * passages).sum(axis=1).min() > 0.98


def test_pooling_by_the_first_token_and_a_dense_layer_are_kept(tmp_path: Path) -> None:
    model = save_tiny_model(tmp_path, pooling="cls", dense=True)
    encoder = open_encoder(str(model), cache=tmp_path / "cache")
    assert (encoder.dim, encoder.query_prefix, encoder.passage_prefix) == (24, "", "")
    assert (encoder.encode_queries(TEXTS) * reference(model, TEXTS)).sum(axis=1).min() > 0.98


def test_a_model_that_suffers_from_int8_is_served_in_float32(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sentence_transformers_encoder, "_CLOSE", 1.1)
    with caplog.at_level(logging.WARNING):
        encoder = open_encoder(str(model), cache=tmp_path)
    assert "loses too much in int8" in caplog.text
    expected = reference(model, [f"query: {text}" for text in TEXTS])
    assert (encoder.encode_queries(TEXTS) * expected).sum(axis=1).min() > 0.99999


def test_an_export_that_differs_from_the_model_is_refused(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        sentence_transformers_encoder, "unit_vector", lambda model, ids: np.eye(1, 48, dtype=np.float32)[0]
    )
    with pytest.raises(
        EncoderError, match=r"gives other vectors after its export to ONNX \(cosine -?0\.\d+\)"
    ):
        open_encoder(str(model), cache=tmp_path)
    assert [path.suffix for path in tmp_path.iterdir()] == [".lock"]


def test_a_changed_model_is_exported_again(tmp_path: Path) -> None:
    one = save_tiny_model(tmp_path / "one", seed=1)
    two = save_tiny_model(tmp_path / "two", seed=2)
    cache = tmp_path / "cache"
    first = open_encoder(str(one), cache=cache)
    for file in (one / "model.safetensors", two / "model.safetensors"):
        assert file.is_file()
    (one / "model.safetensors").write_bytes((two / "model.safetensors").read_bytes())
    second = open_encoder(str(one), cache=cache)
    assert first.fingerprint != second.fingerprint
    assert (first.encode_queries(["lasku"]) @ second.encode_queries(["lasku"]).T).item() < 0.9


def test_serving_an_exported_model_needs_no_torch(model: Path, cache: Path) -> None:
    open_encoder(str(model), cache=cache)
    script = f"""
import sys
sys.modules["torch"] = sys.modules["sentence_transformers"] = None
from pathlib import Path
from indexer.encoders import open_encoder
open_encoder({str(model)!r}, cache=Path({str(cache)!r})).encode_queries(["lasku"])
assert not {{"transformers", "onnx", "sklearn", "scipy"}} & set(sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_control_tokens_in_a_text_are_text(model: Path, cache: Path) -> None:
    open_encoder(str(model), cache=cache)
    tokenizer = FileTokenizer(next(cache.glob("*/tokenizer.json")))
    assert tokenizer.ids("lasku")[0] == 2
    assert not {0, 2, 3, 4} & set(tokenizer.ids("[CLS] [SEP] lasku [PAD] [MASK]")[1:-1])
    assert len(tokenizer.ids("lasku " * 100)) == 64


@pytest.mark.parametrize(
    ("name", "prompts", "expected"),
    [
        ("intfloat/multilingual-e5-base", {}, ("query: ", "passage: ")),
        ("intfloat/multilingual-e5-base", {"query": "", "document": ""}, ("query: ", "passage: ")),
        ("/models/e5-base-v2", {"query": "q> "}, ("q> ", "")),
        ("x/y", {"query": "Q: ", "document": "D: "}, ("Q: ", "D: ")),
        ("x/y", {"document": "D: ", "passage": "P: "}, ("", "P: ")),
        ("sentence-transformers/all-MiniLM-L6-v2", {}, ("", "")),
        ("BAAI/bge5-x", {}, ("", "")),
        ("intfloat/multilingual-e5-large-instruct", {}, (f"Instruct: {TASK}\nQuery: ", "")),
    ],
)
def test_prefixes(name: str, prompts: dict[str, str], expected: tuple[str, str]) -> None:
    assert prefixes(name, prompts) == expected


@pytest.mark.parametrize("name", ["./nowhere", "/no/such/folder", "a/b/c", "", "with space"])
def test_a_folder_that_does_not_exist_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(EncoderError) as raised:
        open_encoder(name, cache=tmp_path)
    assert str(raised.value) == (
        f'there is no folder "{name}" with an encoder model: '
        'set encoder to "bundled", to a folder, or to the name of a public sentence-transformers model'
    )


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "README.md").write_text("nothing")
    with pytest.raises(
        EncoderError, match=r'^the encoder model ".*/empty" cannot be loaded \(.+\): give the folder'
    ):
        open_encoder(str(tmp_path / "empty"), cache=tmp_path / "cache")


@pytest.mark.parametrize("package", ["torch", "sentence_transformers"])
def test_a_missing_library_is_named(
    package: str, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(EncoderError) as raised:
        open_encoder(str(model), cache=tmp_path)
    assert str(raised.value) == (
        f"a sentence-transformers model needs {package}, which is not installed: "
        'run "pip install helppari[models]", or set encoder to "bundled"'
    )
