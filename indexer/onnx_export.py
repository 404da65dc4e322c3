"""Writes a torch model of one text as an ONNX graph, and the same graph with int8 matrices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_OPSET = 17


def unit_vector(model: Any, ids: Sequence[int]) -> NDArray[np.float32]:  # noqa: ANN401 - a torch module
    """What the sentence-transformers model itself makes of one text's token ids, at unit length."""
    import torch

    with torch.no_grad():
        vector: NDArray[np.float32] = _of_one_text(model)(torch.tensor([list(ids)]))[0].numpy()
    return vector


def export(model: Any, ids: Sequence[int], path: Path) -> None:  # noqa: ANN401 - a torch module
    """Write the model in float32, traced with these ids: ``[1, length]`` in, unit vector ``[1, dim]`` out."""
    import torch

    torch.onnx.export(
        _of_one_text(model),
        (torch.tensor([list(ids)]),),
        str(path),
        input_names=["ids"],
        output_names=["embedding"],
        dynamic_axes={"ids": {1: "length"}},
        opset_version=_OPSET,
        dynamo=False,
    )


def quantise_matrices(source: Path, target: Path) -> None:
    """Write the model at ``source`` to ``target`` with int8 matrices; activations follow while running."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.quant_utils import add_pre_process_metadata

    model = onnx.load(source)
    add_pre_process_metadata(model)  # else the quantiser logs advice that is for convolutions
    quantize_dynamic(
        model,
        target,
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=True,  # as in encoder_graph: the same sums on every processor
        op_types_to_quantize=["MatMul", "Gemm"],
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
    )


def keep(source: Path, target: Path) -> None:
    """Move the model to ``target`` with its large constants beside it, where they are mapped into memory."""
    import onnx

    from indexer.encoder_graph import save_mapped

    save_mapped(onnx.load(source), target)


def _of_one_text(model: Any) -> Any:  # noqa: ANN401 - a torch module
    import torch

    class OneText(torch.nn.Module):
        """All modules of the model, for one unpadded text."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, ids: Any) -> Any:  # noqa: ANN401 - a torch tensor
            features = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "modality": "text"}
            return torch.nn.functional.normalize(self.model(features)["sentence_embedding"], dim=-1)

    return OneText().eval()
