"""Every emitted file is legal ONNX, and all but the qonnx dialect load in a stock ONNX Runtime."""

import onnx
import onnxruntime
import pytest

WIDTHS = {
    "qdq": ["W8A8", "W16A16", "W8A16"],
    "qcdq": ["W2A2", "W3A3", "W4A4", "W5A5", "W6A6", "W7A7", "W8A8", "W2A8", "W8A4"],
    "native": ["W2A2", "W3A3", "W4A4", "W5A5", "W6A6", "W7A7", "W8A8", "W4A8"],
    "qonnx": ["W2A2", "W3A3", "W4A4", "W5A5", "W6A6", "W7A7", "W8A8"],
}
CASES = [
    pytest.param(bits, dialect, scheme, id=f"{dialect}-{bits}-{scheme}")
    for dialect, widths in WIDTHS.items()
    for bits in widths
    for scheme in ("backend", "integer-only", "academic")
]


@pytest.mark.parametrize(("bits", "dialect", "scheme"), CASES)
def test_emitted_file_is_legal(quantized, images, bits: str, dialect: str, scheme: str) -> None:
    path = quantized(bits, dialect, scheme)
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    assert [d.dim_param or d.dim_value for d in inferred.graph.output[0].type.tensor_type.shape.dim] == ["N", 10]
    assert {node.domain for node in model.graph.node} <= {"", "ai.onnx", "qonnx.custom_op.general"}
    if dialect == "qonnx":
        assert any(node.op_type == "Quant" for node in model.graph.node)
        return
    assert any(node.op_type == "QuantizeLinear" for node in model.graph.node)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (logits,) = session.run(["logits"], {"image": images})
    assert logits.shape == (8, 10)


@pytest.mark.parametrize("bits", ["W2A2", "W4A4"])
def test_native_weights_are_packed(quantized, bits: str) -> None:
    packed = {"W2A2": {onnx.TensorProto.INT2, onnx.TensorProto.UINT2}, "W4A4": {onnx.TensorProto.INT4, onnx.TensorProto.UINT4}}[bits]
    model = onnx.load(quantized(bits, "native"))
    dtypes = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    weights = weight_codes(model)
    assert weights and all(dtypes[name] in packed for name in weights)


@pytest.mark.parametrize("bits", ["W2A2", "W3A3", "W4A4", "W6A6"])
def test_qcdq_codes_lie_in_their_width(quantized, bits: str) -> None:
    width = int(bits[1])
    model = onnx.load(quantized(bits, "qcdq"))
    constants = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    weights = weight_codes(model)
    assert weights
    for name in weights:
        codes = constants[name]
        assert codes.dtype in ("int8", "uint8") and int(codes.max()) - int(codes.min()) < 2**width
    for node in model.graph.node:
        if node.op_type == "Clip" and constants[node.input[1]].dtype == "uint8":
            assert (constants[node.input[1]].item(), constants[node.input[2]].item()) == (0, 2**width - 1)


def weight_codes(model: onnx.ModelProto) -> list[str]:
    """The names of the stored integers that the layers' weights are dequantized from (through a Cast, where DQ needs one)."""
    stored = {tensor.name for tensor in model.graph.initializer}
    producers = {output: node for node in model.graph.node for output in node.output}
    names = [node.input[1] for node in model.graph.node if node.op_type in ("Conv", "Gemm", "MatMul")]
    while not stored.issuperset(names):
        names = [name if name in stored else producers[name].input[0] for name in names]
    return names
