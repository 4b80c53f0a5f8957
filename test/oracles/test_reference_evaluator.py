"""What the emitted file means to the reference evaluator of the ONNX project is what ONNX Runtime computes."""

import onnx
import onnx.reference
import pytest
from comparing import activation_grids, assert_same_steps, execute, faithful_session, with_outputs

CASES = [
    ("W8A8", "qdq"),
    ("W16A16", "qdq"),
    ("W2A2", "qcdq"),
    ("W3A5", "qcdq"),
    ("W4A4", "qcdq"),
    ("W4A4", "native"),
    ("W2A8", "native"),
]


@pytest.mark.parametrize("scheme", ["integer-only", "academic"])
@pytest.mark.parametrize(("bits", "dialect"), CASES)
def test_reference_evaluator_agrees(quantized, images, bits: str, dialect: str, scheme: str) -> None:
    model = onnx.load(quantized(bits, dialect, scheme))
    grids = activation_grids(model)
    names = [*grids, *(["logits"] if "logits" not in grids else [])]
    exposed = with_outputs(model, list(grids))
    ours = execute(faithful_session(exposed), names, images)
    reference = execute(onnx.reference.ReferenceEvaluator(at_least_opset_19(exposed)), names, images)
    assert_same_steps(grids, ours, reference)
    assert (ours["logits"].argmax(1) == reference["logits"].argmax(1)).all()


def at_least_opset_19(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy that the evaluator takes: it knows QuantizeLinear from opset 19 on, and no operator here changed before that."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for entry in copy.opset_import:
        if entry.domain in ("", "ai.onnx"):
            entry.version = max(entry.version, 19)
    return copy
