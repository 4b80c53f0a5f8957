"""Checks MODEL.accumulators.json against the codes in MODEL.onnx, with onnx and NumPy alone: python check_accumulators.py MODEL.onnx"""
import hashlib, json, sys
import numpy as np
import onnx
from onnx import numpy_helper

path = sys.argv[1]
content = open(path, "rb").read()
proof = json.load(open(f"{path.removesuffix('.onnx')}.accumulators.json"))
graph = onnx.load_from_string(content).graph
constants = {one.name: one for one in graph.initializer}
maker = {name: node for node in graph.node for name in node.output}
nodes = {node.name or node.output[0]: node for node in graph.node}
integers = lambda name: numpy_helper.to_array(constants[name]).astype(np.int64)
carriers = {onnx.TensorProto.UINT8: (0, 255), onnx.TensorProto.INT8: (-128, 127), onnx.TensorProto.UINT4: (0, 15), onnx.TensorProto.INT4: (-8, 7),
            onnx.TensorProto.UINT16: (0, 65535), onnx.TensorProto.INT16: (-32768, 32767)}

def input_range(node):  # least and greatest input code, zero point taken off; a Clip narrows what the element type can hold
    dequantize = maker[node.input[0]]
    zero = int(integers(dequantize.input[2])) if len(dequantize.input) > 2 else 0
    codes = maker[dequantize.input[0]]
    if codes.op_type == "Clip":
        return int(integers(codes.input[1])) - zero, int(integers(codes.input[2])) - zero
    low, high = carriers[constants[dequantize.input[2]].data_type]
    return low - zero, high - zero

def weight_rows(node):  # one row of centred codes for each output channel
    dequantize = maker[node.input[1]]
    codes = integers(dequantize.input[0])
    attributes = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
    if node.op_type == "MatMul" or (node.op_type == "Gemm" and not attributes.get("transB")):
        codes = codes.T
    zero = integers(dequantize.input[2]) if len(dequantize.input) > 2 else np.zeros(1, np.int64)
    return codes.reshape(len(codes), -1) - zero.reshape(-1, 1)

wrong = [] if hashlib.sha256(content).hexdigest() == proof["sha256"] else ["the proof is of another file"]
bits = proof["accumulatorBits"]
for layer in proof["layers"]:
    node = nodes[layer["name"]]
    (low, high), rows = input_range(node), weight_rows(node)
    worst = np.where(rows > 0, high, low), np.where(rows > 0, low, high)  # the inputs that reach the greatest and the least sum
    greatest, least = ((rows * x).sum(1) for x in worst)
    stated = [(one["l1"], one["least"], one["greatest"]) for one in layer["channels"]]
    if stated != list(zip(np.abs(rows).sum(1).tolist(), least.tolist(), greatest.tolist())):
        wrong.append(f"{layer['name']}: other sums than the proof states")
    if least.min() < -(2 ** (bits - 1)) or greatest.max() > 2 ** (bits - 1) - 1:
        wrong.append(f"{layer['name']}: overflows {bits} bits")
    print(f"{layer['name']}: {len(rows)} channels of {rows.shape[1]} products, sums from {least.min()} to {greatest.max()}")
print("\n".join(wrong) or f"no input overflows {bits} bits")
sys.exit(1 if wrong else 0)
