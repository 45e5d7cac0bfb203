"""Builds the int8 model from the float weights; runs in the child process of `minilm_export`.

Nothing here cares for its output: the parent reads stdout and stderr, and passes on the last line of an
error. Everything is written below the work folder, which the parent removes.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmlr.memory.embeddings.minilm import MiniLMEncoder, pooled, source_folder
from hmlr.memory.embeddings.minilm_export import MODEL_FILE
from hmlr.memory.embeddings.probes import PROBES

FLOAT_FILE = "float.onnx"
OPSET = 18  # the exporter's own; any other makes it convert
KEEP_FLOAT = 2  # layers whose last matrix stays float: +0.0025 cosine for 3.5 MB, no time lost
DOWN_SHAPE = (1536, 384)  # of the last matrix of a layer


def build(work_folder: str) -> None:
    """Write `model.onnx` and `report.json` (its cosine to the float model) into the work folder."""
    os.environ["HF_HUB_OFFLINE"] = "1"  # read when transformers is imported: no look at the hub
    work = Path(work_folder)
    tempfile.tempdir = str(work)  # the quantiser's temporary files go where they are removed
    torch_model = _float_model()
    _write_float_onnx(torch_model, work / FLOAT_FILE)
    _quantise(work / FLOAT_FILE, work / MODEL_FILE)
    report = {"cosine": _mean_cosine(torch_model, work / MODEL_FILE)}
    (work / "report.json").write_text(json.dumps(report), "utf-8")


def _float_model() -> Any:
    """Return a torch module from ids and mask to the last hidden state."""
    import torch
    from transformers import AutoModel

    class LastHiddenState(torch.nn.Module):  # type: ignore[misc]  # torch is not analysed
        def __init__(self, bert: Any) -> None:
            super().__init__()
            self.bert = bert

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            return self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

    # "eager": plain matrix products, which the quantiser knows; fused attention would stay float.
    bert = AutoModel.from_pretrained(str(source_folder()), local_files_only=True, attn_implementation="eager")
    return LastHiddenState(bert).eval()


def _write_float_onnx(torch_model: Any, path: Path) -> None:
    """Export with free batch and sequence axes; a text has at least its two frame pieces."""
    import torch

    ids = torch.arange(1000, 1014).reshape(2, 7)
    mask = torch.ones_like(ids)
    axes = {0: torch.export.Dim("batch", min=1, max=4096), 1: torch.export.Dim("pieces", min=2, max=512)}
    with torch.inference_mode():
        torch.onnx.export(
            torch_model,
            (ids, mask),
            str(path),
            input_names=["input_ids", "attention_mask"],
            output_names=["last_hidden_state"],
            dynamic_shapes={"input_ids": axes, "attention_mask": axes},
            opset_version=OPSET,
            external_data=False,
            dynamo=True,
            verbose=False,
        )


def _quantise(float_path: Path, int8_path: Path) -> None:
    """Quantise weights ahead and activations at run time.

    One scale per column (`per_channel`) takes the mean cosine from 0.955 to 0.992. Seven bits
    (`reduce_range`) cost 0.001 and keep processors without VNNI from overflowing their 16-bit sums.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        str(float_path),
        str(int8_path),
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=True,
        nodes_to_exclude=_first_down_projections(float_path),
    )


def _first_down_projections(path: Path) -> list[str]:
    """Return the names of the matrix products that lose most by int8: their inputs have outliers."""
    import onnx

    graph = onnx.load(str(path)).graph
    shapes = {weight.name: tuple(weight.dims) for weight in graph.initializer}
    down = [
        node.name
        for node in graph.node
        if node.op_type == "MatMul" and shapes.get(node.input[1]) == DOWN_SHAPE
    ]
    return down[:KEEP_FLOAT]


def _mean_cosine(torch_model: Any, int8_path: Path) -> float:
    """Compare pooled vectors of the probe texts, the int8 ones made as they will be served."""
    import torch

    def float_row(ids: NDArray[np.int64]) -> NDArray[np.float32]:
        given = torch.from_numpy(ids[None])
        with torch.inference_mode():
            states = torch_model(given, torch.ones_like(given))
        return pooled(states[0].numpy())

    ids, states = MiniLMEncoder(int8_path.read_bytes()).states(PROBES)
    return float(np.mean([float_row(own) @ pooled(rows) for own, rows in zip(ids, states, strict=True)]))
