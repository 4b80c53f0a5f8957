"""The arithmetic of `@bitwright/core` bit for bit: `torch` mode against PyTorch, `onnx` mode against ONNX Runtime."""

import json
import pathlib
import subprocess

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper


@pytest.fixture(scope="module")
def vectors(node: str) -> list[dict]:
    """What the built package computes; see emit_vectors.mjs."""
    script = pathlib.Path(__file__).with_name("emit_vectors.mjs")
    done = subprocess.run([node, str(script)], capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout)


def test_torch_mode_is_fake_quantize(vectors: list[dict]) -> None:
    for vector in vectors:
        x = torch.tensor(vector["x"], dtype=torch.float32).reshape(vector["dims"])
        low, high = vector["quantMin"], vector["quantMax"]
        if "axis" in vector:
            scale = torch.tensor(vector["scale"], dtype=torch.float32)
            zero_point = torch.tensor(vector["zeroPoint"], dtype=torch.int32)
            expected = torch.fake_quantize_per_channel_affine(x, scale, zero_point, vector["axis"], low, high)
        else:
            expected = torch.fake_quantize_per_tensor_affine(x, vector["scale"][0], vector["zeroPoint"][0], low, high)
        assert_identical(vector["torch"], expected.numpy(), vector)


def test_onnx_mode_is_quantize_and_dequantize(vectors: list[dict]) -> None:
    types = {(-128, 127): TensorProto.INT8, (0, 255): TensorProto.UINT8, (-32768, 32767): TensorProto.INT16, (0, 65535): TensorProto.UINT16}
    carried = [vector for vector in vectors if (vector["quantMin"], vector["quantMax"]) in types]
    assert len(carried) == 12
    for vector in carried:
        x = np.array(vector["x"], np.float32).reshape(vector["dims"])
        expected = run_onnx(x, vector, types[vector["quantMin"], vector["quantMax"]])
        assert_identical(vector["onnx"], expected, vector)


def test_modes_differ_on_ties(vectors: list[dict]) -> None:
    different = sum(one != other for vector in vectors for one, other in zip(vector["torch"], vector["onnx"], strict=True))
    assert different > 0, "the vectors no longer tell dividing from multiplying"


def run_onnx(x: np.ndarray, vector: dict, dtype: int) -> np.ndarray:
    """QuantizeLinear and DequantizeLinear as ONNX Runtime computes them, with the vector's parameters."""
    channels = [len(vector["scale"])] if "axis" in vector else []
    attributes = {"axis": vector["axis"]} if "axis" in vector else {}
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "scale", "zero_point"], ["codes"], **attributes),
        helper.make_node("DequantizeLinear", ["codes", "scale", "zero_point"], ["y"], **attributes),
    ]
    graph = helper.make_graph(
        nodes,
        "quantize",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, x.shape)],
        [
            helper.make_tensor("scale", TensorProto.FLOAT, channels, vector["scale"]),
            helper.make_tensor("zero_point", dtype, channels, vector["zeroPoint"]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(["y"], {"x": x})[0]


def assert_identical(ours: list[float], expected: np.ndarray, vector: dict) -> None:
    """Demands equal float32 values; -0.0 and 0.0 count as equal."""
    one, other = np.array(ours, np.float32), expected.reshape(-1)
    wrong = np.flatnonzero(one != other)
    where = f"{vector['quantMin']}..{vector['quantMax']}, axis {vector.get('axis')}"
    assert wrong.size == 0, f"{where}: {wrong.size} differ, first x={vector['x'][wrong[0]]}: {one[wrong[0]]} != {other[wrong[0]]}"
