"""The qonnx package executes our qonnx files, and its own converters agree about our qonnx and qcdq files."""

import numpy as np
import onnx
import pytest
from comparing import activation_grids, assert_same_steps, execute, faithful_session, with_outputs
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.custom_op.general.intquant import int_quant
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.transformation.qcdq_to_qonnx import QCDQToQuant
from qonnx.transformation.qonnx_to_qcdq import QuantToQCDQ

WIDTHS = ["W8A8", "W6A6", "W4A4", "W3A3", "W2A2", "W2A8"]
SCHEMES = ["integer-only", "academic"]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("bits", WIDTHS)
def test_qonnx_file_equals_its_qcdq_twin(quantized, images, bits: str, scheme: str) -> None:
    model = onnx.load(quantized(bits, "qonnx", scheme))
    grids = activation_grids(model)
    executed = run_qonnx(model, images)
    twin = ModelWrapper(fold_wide_quantizers(model)).transform(QuantToQCDQ()).model
    assert not [node.name for node in twin.graph.node if node.op_type == "Quant"]
    names = [*grids, *(["logits"] if "logits" not in grids else [])]
    computed = execute(faithful_session(with_outputs(twin, list(grids))), names, images)
    assert_same_steps(grids, executed, computed)
    assert (executed["logits"].argmax(1) == computed["logits"].argmax(1)).all()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("bits", WIDTHS)
def test_qcdq_file_is_understood_by_qonnx(quantized, images, bits: str, scheme: str) -> None:
    # qonnx 1.0.0 reads weights with one scale only (its converter does not broadcast a list of scales over an axis)
    model = onnx.load(quantized(bits, "qcdq", scheme, "--granularity", "per-tensor"))
    grids = activation_grids(model)
    names = [*grids, *(["logits"] if "logits" not in grids else [])]
    computed = execute(faithful_session(with_outputs(model, list(grids))), names, images)
    converted = with_fixed_shapes(with_plain_constants(model), len(images)).transform(QCDQToQuant()).model
    assert not [node.name for node in converted.graph.node if node.op_type in ("QuantizeLinear", "DequantizeLinear")]
    executed = run_qonnx(converted, images)
    assert_same_steps(grids, executed, computed)
    assert (executed["logits"].argmax(1) == computed["logits"].argmax(1)).all()


def run_qonnx(model: onnx.ModelProto, images: np.ndarray) -> dict[str, np.ndarray]:
    """Every tensor of the network as the qonnx package computes it."""
    return execute_onnx(with_fixed_shapes(model, len(images)), {"image": images}, return_full_exec_context=True)


def with_fixed_shapes(model: onnx.ModelProto, batch: int) -> ModelWrapper:
    """A copy with the shapes that qonnx infers for itself; it executes no symbolic batch."""
    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    for value in (*fixed.graph.input, *fixed.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = batch
    del fixed.graph.value_info[:]
    return ModelWrapper(fixed).transform(InferShapes())


def fold_wide_quantizers(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy in which constants wider than 8 bits (biases) are floats on their grid: the converter leaves them alone."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    constants = {t.name: onnx.numpy_helper.to_array(t) for t in copy.graph.initializer}
    for node in list(copy.graph.node):
        if node.op_type != "Quant" or node.input[0] not in constants or constants[node.input[3]].item() <= 8:
            continue
        signed, narrow = (next(a.i for a in node.attribute if a.name == name) for name in ("signed", "narrow"))
        folded = int_quant(*(constants[name] for name in node.input), signed, narrow, "ROUND")
        copy.graph.initializer.append(onnx.numpy_helper.from_array(folded.astype(np.float32), node.output[0]))
        copy.graph.node.remove(node)
    return copy


def with_plain_constants(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy that qonnx 1.0.0 reads: constants are signed codes around a zero point of 0 that is written out.

    Its converter does not know that a zero point may be left out, and subtracts it in the codes' own type, where uint8 wraps.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    constants = {t.name: onnx.numpy_helper.to_array(t) for t in copy.graph.initializer}
    for node in copy.graph.node:
        if node.op_type != "DequantizeLinear" or node.input[0] not in constants:
            continue
        codes, scale = (constants[name] for name in node.input[:2])
        if len(node.input) == 3:
            codes = codes.astype(np.int32) - constants[node.input[2]]
        dtype = np.int32 if constants[node.input[0]].dtype == np.int32 else np.int8
        plain = {f"{node.output[0]}_codes": codes.astype(dtype), f"{node.output[0]}_zero_point": np.zeros(scale.shape, dtype)}
        assert (plain[f"{node.output[0]}_codes"] == codes).all()
        copy.graph.initializer.extend(onnx.numpy_helper.from_array(value, name) for name, value in plain.items())
        names = list(plain)
        node.input[:] = [names[0], node.input[1], names[1]]
    return copy
