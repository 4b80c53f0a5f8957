"""The proof beside a model, checked from the codes by a program that knows nothing of Bitwright (docs/how-to/check_accumulators.py)."""

import hashlib
import json
import pathlib
import subprocess
import sys

import onnx
import pytest
from onnx import numpy_helper

ROOT = pathlib.Path(__file__).resolve().parents[2]


def check(model: pathlib.Path) -> subprocess.CompletedProcess[str]:
    program = ROOT / "docs" / "how-to" / "check_accumulators.py"
    return subprocess.run([sys.executable, program, model], capture_output=True, text=True, timeout=120)


def proof_of(model: pathlib.Path) -> pathlib.Path:
    return model.with_name(model.name.removesuffix(".onnx") + ".accumulators.json")


@pytest.mark.parametrize(("bits", "dialect", "more"), [("W4A4", "qcdq", []), ("W4A4", "native", []), ("W8A8", "qdq", []), ("W4A8", "native", ["--weights", "affine"])])
def test_every_bound_follows_from_the_codes(quantized, bits: str, dialect: str, more: list[str]) -> None:
    model = quantized(bits, dialect, "integer-only", "--accumulator-bits", "14", *more)
    done = check(model)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("no input overflows 14 bits\n")
    proof = json.loads(proof_of(model).read_text())
    assert [line.split(": ")[0] for line in done.stdout.splitlines()[:-1]] == [layer["name"] for layer in proof["layers"]]
    assert len(proof["layers"]) == 10
    initializers = {one.name for one in onnx.load(model).graph.initializer}
    assert {layer["weights"] for layer in proof["layers"]} <= initializers


def test_a_changed_code_is_found(quantized, tmp_path: pathlib.Path) -> None:
    """One weight code of the file moves by one: the digest differs, and, with a digest that fits, the sums do."""
    model = quantized("W4A4", "qcdq", "integer-only", "--accumulator-bits", "14")
    changed = tmp_path / model.name
    content = onnx.load(model)
    codes = next(one for one in content.graph.initializer if one.name == "layer1.conv1.weight_codes")
    array = numpy_helper.to_array(codes).copy()
    array[0, 0, 0, 0] += -1 if array[0, 0, 0, 0] > 0 else 1
    codes.CopyFrom(numpy_helper.from_array(array, codes.name))
    onnx.save(content, changed)
    proof = json.loads(proof_of(model).read_text())
    proof_of(changed).write_text(json.dumps(proof))
    assert "the proof is of another file" in check(changed).stdout
    proof_of(changed).write_text(json.dumps({**proof, "sha256": hashlib.sha256(changed.read_bytes()).hexdigest()}))
    done = check(changed)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "/layer1/conv1/Conv: other sums than the proof states"
