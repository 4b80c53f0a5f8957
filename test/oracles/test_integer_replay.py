"""The integers that `export` writes, replayed by a NumPy program that knows nothing of Bitwright (docs/how-to/replay_layer.py)."""

import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("hardware", ["int8-cpu-vnni", "int8-npu-gemmlowp"])
@pytest.mark.parametrize("bits", ["W8A8", "W4A4"])
def test_every_layer_is_replayed_exactly(cli, quantized, mnist, tmp_path, bits, hardware):
    """Each accumulator and each code of four images is the same in NumPy."""
    model = quantized(bits, "auto")
    cli("export", model, "--to", tmp_path, "--hardware", hardware, "--data", mnist / "evaluation.json", "--samples", 4)
    program = ROOT / "docs" / "how-to" / "replay_layer.py"
    done = subprocess.run([sys.executable, program, tmp_path], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    layers = [one for one in json.loads((tmp_path / "manifest.json").read_text())["layers"] if one["kind"] == "dot"]
    assert len(lines) == len(layers) > 5
    assert [line for line in lines if line.count(", 0 differ") != 2] == []
