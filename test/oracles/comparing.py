"""Comparison of two executions of a quantized network, tensor by tensor, in steps of each tensor's own grid."""

import pathlib

import numpy as np
import onnx
import onnxruntime

# Two correct executions round a few values to neighbouring codes, where float sums in another order fall on the other
# side of a tie, and such a step moves a few codes further on. A wrong grid moves most of the codes.
LARGEST_SHARE = 0.01


def faithful_session(model: onnx.ModelProto | pathlib.Path) -> onnxruntime.InferenceSession:
    """A session that computes what the file says, in floats between the quantizers: no fused integer kernel."""
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    options.add_session_config_entry("optimization.disable_specified_optimizers", "ReluQuantRewrite;ClipQuantRewrite")
    source = model.SerializeToString() if isinstance(model, onnx.ModelProto) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def activation_grids(model: onnx.ModelProto) -> dict[str, float]:
    """The scale of every activation that leaves a quantizer: DequantizeLinear behind QuantizeLinear (and Clip), or Quant."""
    constants = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    producers = {output: node for node in model.graph.node for output in node.output}
    for node in model.graph.node:
        if node.op_type == "Constant":
            constants[node.output[0]] = onnx.numpy_helper.to_array(node.attribute[0].t)
    grids = {}
    for node in model.graph.node:
        before = producers.get(node.input[0]) if node.input else None
        dequantizes = node.op_type == "DequantizeLinear" and before is not None and before.op_type in ("QuantizeLinear", "Clip")
        fakes = node.op_type == "Quant" and node.input[0] not in constants
        if (dequantizes or fakes) and constants[node.input[1]].size == 1 and not is_constant(node.input[0], producers, constants):
            grids[node.output[0]] = float(constants[node.input[1]].item())
    return grids


def is_constant(name: str, producers: dict[str, onnx.NodeProto], constants: dict[str, np.ndarray]) -> bool:
    """True for a value computed from constants alone."""
    if name in constants or not name:
        return True
    return name in producers and all(is_constant(i, producers, constants) for i in producers[name].input)


def with_outputs(model: onnx.ModelProto, names: list[str]) -> onnx.ModelProto:
    """A copy of the model that returns the named float tensors before its own outputs."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    own = [output.name for output in copy.graph.output]
    added = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names if name not in own]
    copy.graph.output.extend(added)
    return copy


def assert_same_steps(grids: dict[str, float], one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    """Demands that at most a small share of all codes differ between two executions."""
    assert grids, "the model has no quantized activations"
    different = total = 0
    for name, scale in grids.items():
        steps = np.rint(np.abs(one[name].astype(np.float64) - other[name]) / scale)
        different += int(np.count_nonzero(steps))
        total += steps.size
    assert different <= LARGEST_SHARE * total, f"{different} of {total} codes differ"


def execute(session, names: list[str], images: np.ndarray) -> dict[str, np.ndarray]:
    """Runs a session or a reference evaluator on the input `image` and returns the named tensors."""
    return dict(zip(names, session.run(names, {"image": images}), strict=True))
