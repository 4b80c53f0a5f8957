"""Fixtures of the oracles: the command line under test, the project's own models and data, and what it quantized."""

import json
import os
import pathlib
import shutil
import subprocess
from collections.abc import Callable

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / "packages" / "bitwright" / "bin" / "bitwright.js"
SAMPLES = 64


@pytest.fixture(scope="session")
def node() -> str:
    """The Node executable."""
    found = shutil.which("node")
    assert found, "node is not on the path"
    return found


@pytest.fixture(scope="session")
def cli(node: str) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `bitwright ARGUMENTS...` and demands the exit code `code` (0)."""

    def run(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        command = [node, str(BIN), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300)
        shown = " ".join(command[1:])
        assert done.returncode == code, f"{shown}: exit {done.returncode}, expected {code}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        return done

    return run


@pytest.fixture(scope="session")
def mnist() -> pathlib.Path:
    """The folder of the MNIST fixture: three small residual networks, calibration and evaluation cards."""
    return ROOT / "fixtures" / "mnist"


@pytest.fixture(scope="session")
def assets() -> pathlib.Path:
    """The folder of larger models and data that BITWRIGHT_ASSETS names; tests that need it are skipped without."""
    folder = os.environ.get("BITWRIGHT_ASSETS")
    if not folder:
        pytest.skip("BITWRIGHT_ASSETS names no folder")
    return pathlib.Path(folder)


@pytest.fixture(scope="session")
def images(mnist: pathlib.Path) -> np.ndarray:
    """The first 8 evaluation images as the data card makes them: float32 [8, 1, 28, 28]."""
    card = json.loads((mnist / "evaluation.json").read_text())
    spec = card["inputs"]["*"]
    raw = (mnist / card["files"][0]).read_bytes()
    pixels = np.frombuffer(raw, np.uint8, offset=16, count=8 * 784).reshape(8, 1, 28, 28)
    return ((pixels * spec["rescale"] - spec["mean"][0]) / spec["std"][0]).astype(np.float32)


@pytest.fixture(scope="session")
def quantized(cli, mnist: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., pathlib.Path]:
    """Quantizes a network of the MNIST fixture once per combination of options and returns the file."""
    made: dict[tuple[str, ...], pathlib.Path] = {}
    folder = tmp_path_factory.mktemp("quantized")

    def quantize(bits: str, dialect: str, scheme: str = "integer-only", *more: str, model: str = "resnet8_ce") -> pathlib.Path:
        key = (bits, dialect, scheme, *more, model)
        if key not in made:
            output = folder / ("_".join(key).replace("/", "-") + ".onnx")
            cli(
                *("quantize", mnist / f"{model}.onnx", "-o", output, "--bits", bits, "--data", mnist / "calibration.json"),
                *("--samples", SAMPLES, "--scheme", scheme, "--dialect", dialect, "--method", "fast", "--json", *more),
            )
            made[key] = output
        return made[key]

    return quantize
