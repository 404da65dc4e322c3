"""Writes multilingual-e5-small as an ONNX graph with int8 matrices, from its data file and without torch.

The word embedding stays in its 4 bits. Every other matrix is quantised again to 8 bits, one scale an output
channel; activations are quantised while running, one scale a tensor. That is why an embedding would depend on
its neighbours in a batch, and why texts are run one by one.

A few channels of this network are 4 to 40 times as large as the others and would leave those few of the 256
steps. They are divided before, and their weights multiplied, by a power of two: cosine to float32 rises from
.997 to .999 (360 questions and 150 passages of six help centers), and recall@1 comes back to float32's.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from indexer.console import Progress, no_progress
from indexer.e5_file import BLOCK, E5File

MICROSOFT = "com.microsoft"

# A processor without VNNI adds pairs of uint8 x int8 products in 16 bits; 2 x 255 x 64 fits, 2 x 255 x 127
# does not. With 64 every processor gives the same sums, and the lost bit costs less than .0005 of cosine.
LARGEST_WEIGHT = 64
_LARGE = 1024  #: bytes of a constant that is kept beside the graph

#: Matrix -> input channel -> divisor, for channels whose peak over 75 questions and passages was above 8.
OUTLIERS: dict[str, dict[int, int]] = {
    "l0.fi": {15: 2, 60: 2, 87: 2, 321: 4},
    "l0.fo": {318: 4},
    "l1.fi": {15: 4, 321: 2},
    "l1.fo": {1462: 2},
    "l2.fi": {15: 4, 321: 2},
    "l2.fo": {354: 2},
    "l3.fi": {15: 8, 321: 2},
    "l4.fi": {15: 4},
    "l4.fo": {778: 16},
    "l5.fi": {15: 2, 35: 4},
    "l5.fo": {658: 4},
    "l6.fi": {15: 2, 35: 8},
    "l6.fo": {1152: 2},
    "l7.fi": {15: 2, 35: 4},
    "l7.fo": {413: 2},
    "l8.fi": {15: 2, 35: 4},
    "l9.fi": {15: 2, 35: 4},
    "l10.fi": {15: 2, 35: 4, 351: 2},
}


@dataclass(slots=True)
class _Graph:
    """Nodes and constants written so far."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def constant(self, name: str, values: NDArray[Any]) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def add(
        self,
        operator: str,
        inputs: Sequence[str],
        *outputs: str,
        domain: str = "",
        **attributes: float,
    ) -> str:
        """Add one node; gives the name of its first output."""
        node = helper.make_node(operator, list(inputs), list(outputs), domain=domain)
        node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
        self.nodes.append(node)
        return outputs[0]


def quantise(weights: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Int8 matrix ``[inputs, outputs]`` and one scale an output for float weights ``[outputs, inputs]``."""
    peak = np.abs(weights).max(axis=1)
    scales = (np.where(peak > 0, peak, 1) / LARGEST_WEIGHT).astype(np.float32)
    return np.rint(weights / scales[:, None]).astype(np.int8).T, scales


def divisors(layer: str, columns: int) -> NDArray[np.float32]:
    """What each input channel of ``layer`` is divided by before it is quantised; 1 for nearly all."""
    found = np.ones(columns, np.float32)
    for channel, divisor in OUTLIERS.get(layer, {}).items():
        found[channel] = divisor
    return found


def write_graph(source: E5File, path: Path, progress: Progress = no_progress) -> None:
    """Write the model: token ids ``[1, length]`` in, one unit vector ``[1, hidden]`` out."""
    sizes, graph = source.sizes, _Graph()
    hidden, epsilon = sizes.hidden, sizes.epsilon

    def floats(name: str) -> str:
        return graph.constant(name, source.floats(name))

    def quantised_input(name: str) -> tuple[str, str, str]:
        parts = (name + ".q", name + ".scale", name + ".zero")
        graph.add("DynamicQuantizeLinear", [name], *parts)
        return parts

    def linear(given: tuple[str, str, str], layer: str, weights: NDArray[np.float32]) -> str:
        matrix, scales = quantise(weights)
        values, scale, zero = given
        inputs = [
            values,
            graph.constant(layer + ".w", matrix),
            scale,
            graph.constant(layer + ".w.scale", scales),
            zero,
            "",
            floats(layer + ".b"),
        ]
        return graph.add("MatMulIntegerToFloat", inputs, layer, domain=MICROSOFT)

    def linear_with_outliers(name: str, layer: str, columns: int) -> str:
        divisor = divisors(layer, columns)
        if (divisor > 1).any():
            name = graph.add("Mul", [name, graph.constant(layer + ".even", 1 / divisor)], layer + ".evened")
        return linear(quantised_input(name), layer, source.weights(layer + ".w", columns) * divisor)

    state = _embedding(graph, source)
    for number in range(sizes.layers):
        layer = f"l{number}."
        given = quantised_input(state)
        heads = [linear(given, layer + part, source.weights(f"{layer}{part}.w", hidden)) for part in "qkv"]
        mixed = graph.add(
            "MultiHeadAttention", heads, layer + "mixed", domain=MICROSOFT, num_heads=sizes.heads
        )
        attention = linear(quantised_input(mixed), layer + "ao", source.weights(layer + "ao.w", hidden))
        state = graph.add(
            "SkipLayerNormalization",
            [attention, state, floats(layer + "aln.w"), floats(layer + "aln.b")],
            layer + "attended",
            domain=MICROSOFT,
            epsilon=epsilon,
        )
        inner = linear_with_outliers(state, layer + "fi", hidden)
        active = graph.add("Gelu", [inner], layer + "active", domain=MICROSOFT)
        outer = linear_with_outliers(active, layer + "fo", sizes.feed_forward)
        state = graph.add(
            "SkipLayerNormalization",
            [outer, state, floats(layer + "oln.w"), floats(layer + "oln.b")],
            layer + "out",
            domain=MICROSOFT,
            epsilon=epsilon,
        )
        progress("Preparing the encoder", number + 1, sizes.layers)
    mean = graph.add("ReduceMean", [state, graph.constant("tokens", np.array([1]))], "mean", keepdims=0)
    graph.add("LpNormalization", [mean], "embedding", axis=-1, p=2)
    _save(graph, hidden, path)


def _embedding(graph: _Graph, source: E5File) -> str:
    """Add the sum of word, position and type embeddings, normalised."""
    hidden = source.sizes.hidden
    scales, nibbles = source.nibbles("emb.word", hidden)
    pairs = (nibbles.reshape(-1, hidden // 2, 2) & 15).astype(np.uint8)
    packed = pairs[:, :, 0] | pairs[:, :, 1] << 4
    graph.constants.append(
        helper.make_tensor(
            "emb.word", TensorProto.INT4, (scales.shape[0], hidden), packed.tobytes(), raw=True
        )
    )
    words = graph.add(
        "GatherBlockQuantized",
        ["emb.word", "ids", graph.constant("emb.word.scale", scales)],
        "words",
        domain=MICROSOFT,
        gather_axis=0,
        quantize_axis=1,
        block_size=BLOCK,
    )
    # Every token is of type 0, so that its embedding is added to all positions once and for all.
    places = source.floats("emb.pos").reshape(-1, hidden) + source.floats("emb.type").reshape(-1, hidden)[0]
    graph.constant("emb.place", places)
    graph.constant("start", np.array([0]))
    graph.add("Shape", ["ids"], "length", start=1, end=2)
    used = graph.add("Slice", ["emb.place", "start", "length", "start"], "places")
    total = graph.add("Add", [words, used], "placed")
    weight = graph.constant("emb.ln.w", source.floats("emb.ln.w"))
    bias = graph.constant("emb.ln.b", source.floats("emb.ln.b"))
    return graph.add(
        "LayerNormalization", [total, weight, bias], "embedded", axis=-1, epsilon=source.sizes.epsilon
    )


def _save(graph: _Graph, hidden: int, path: Path) -> None:
    inputs = [helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "length"])]
    outputs = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", hidden])]
    model = helper.make_model(
        helper.make_graph(graph.nodes, "e5", inputs, outputs, graph.constants),
        opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid(MICROSOFT, 1)],
        ir_version=10,
    )
    save_mapped(model, path)


def save_mapped(model: onnx.ModelProto, path: Path) -> None:
    """Write a model with its large constants in a file beside it, which ONNX Runtime maps into memory.

    Of 60 MB of word embeddings only the words in use are then resident, shared by all processes.
    """
    data = path.with_suffix(".data")
    onnx.save(model, path, save_as_external_data=True, location=data.name, size_threshold=_LARGE)
    # onnx lets only its user read the data, but a cache may be filled by one user and read by another.
    shutil.copymode(path, data)
