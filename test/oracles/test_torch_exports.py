"""What PyTorch exports, with both of its exporters: every rule leaves the outputs as they were, and fake quantization is read."""

import json
import pathlib
import subprocess
from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn
from torch.nn import functional as F

TOLERANCE = 2e-5


class Residual(nn.Module):
    """Convolutions with batch normalization around an addition, an average and a linear layer."""

    shape = (2, 3, 16, 16)

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.ZeroPad2d(1), nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.block = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 1), nn.BatchNorm2d(8))
        self.head = nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        x = F.relu(x + self.block(x))
        return self.head(F.dropout(F.adaptive_avg_pool2d(x, 1).flatten(1), training=self.training))


class Mobile(nn.Module):
    """An inverted residual with squeeze and excitation, hard swish, hard sigmoid and ReLU6."""

    shape = (1, 4, 12, 12)

    def __init__(self) -> None:
        super().__init__()
        self.expand = nn.Sequential(nn.Conv2d(4, 16, 1, bias=False), nn.BatchNorm2d(16), nn.Hardswish())
        self.depth = nn.Sequential(nn.Conv2d(16, 16, 5, padding=2, groups=16, bias=False), nn.BatchNorm2d(16), nn.ReLU6())
        self.squeeze = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(16, 4, 1), nn.ReLU(), nn.Conv2d(4, 16, 1), nn.Hardsigmoid())
        self.project = nn.Sequential(nn.Conv2d(16, 4, 1, bias=False), nn.BatchNorm2d(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.depth(self.expand(x))
        return x + self.project(y * self.squeeze(y))


class Tokens(nn.Module):
    """A mixer of tokens: SiLU spelled out and built in, GELU, transpositions, a product of matrices with a bias."""

    shape = (2, 6, 8)

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(6, 6)
        self.up = nn.Linear(8, 16)
        self.weight = nn.Parameter(torch.randn(16, 8) / 4)
        self.bias = nn.Parameter(torch.randn(8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.mix(x.transpose(1, 2)).transpose(1, 2)
        z = self.up(x)
        y = F.gelu(z) + F.silu(z) + z / (1 + torch.exp(-z))
        return torch.matmul(y, self.weight) * 0.5 + self.bias


class Shuffled(nn.Module):
    """Moves of values: splits, concatenations, reshapes and transpositions between convolutions, one of them transposed."""

    shape = (1, 8, 6, 6)

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(4, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.up = nn.ConvTranspose2d(8, 4, 2, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a, b = x.chunk(2, 1)
        x = torch.cat([a, F.leaky_relu(self.first(b))], 1)
        x = x.reshape(1, 2, 4, 6, 6).transpose(1, 2).reshape(1, 8, 6, 6)
        return self.up(F.relu(self.norm(x))).clamp(min=0).squeeze(0).unsqueeze(0)


NETWORKS = [Residual, Mobile, Tokens, Shuffled]
# the exporter of traced graphs with and without its own folding of batch normalizations, and the one of torch.export
WAYS = {
    "traced-13": {"dynamo": False, "opset_version": 13},
    "traced-17-as-written": {"dynamo": False, "opset_version": 17, "training": torch.onnx.TrainingMode.PRESERVE},
    "exported-18": {"dynamo": True, "opset_version": 18},
    "exported-20": {"dynamo": True, "opset_version": 20},
    "exported-as-written": {"dynamo": True, "opset_version": 18, "optimize": False},
}
# what has to be found, wherever a network is written out by an exporter that leaves it as it is
EXPECTED = {
    Residual: {"fold-batch-norm-into-conv"},
    Mobile: {"fold-batch-norm-into-conv"},
    Tokens: {"restore-sigmoid"},
    Shuffled: set(),
}


@pytest.fixture(scope="module")
def rewrite(node: str) -> Callable[[pathlib.Path, pathlib.Path], dict]:
    """Runs emit_rewritten.mjs."""
    script = pathlib.Path(__file__).with_name("emit_rewritten.mjs")

    def run(source: pathlib.Path, target: pathlib.Path) -> dict:
        done = subprocess.run([node, str(script), str(source), str(target)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout)

    return run


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("network", NETWORKS)
def test_rules_leave_an_export_as_it_is(network: type[nn.Module], way: str, rewrite, tmp_path: pathlib.Path) -> None:
    source, target = tmp_path / "export.onnx", tmp_path / "rewritten.onnx"
    module = made(network)
    export(module, source, **WAYS[way])
    found = rewrite(source, target)
    assert found["dialect"] is None
    if way.endswith("as-written"):
        assert EXPECTED[network] <= set(found["rules"]), found["rules"]
        assert "BatchNormalization" not in found["operators"] or network is Shuffled
    onnx.checker.check_model(str(target), full_check=True)
    for x in samples(network, 3):
        before, after = run(source, x), run(target, x)
        limit = TOLERANCE * max(1.0, float(np.abs(before).max()))
        assert np.abs(before - after).max() <= limit
        assert np.abs(module(torch.from_numpy(x)).detach().numpy() - after).max() <= limit


class FakeQuantized(nn.Module):
    """Weights on signed grids, per tensor or per channel, and activations on unsigned ones, as quantization-aware training has them."""

    shape = (2, 3, 10, 10)

    def __init__(self, bits: int, per_channel: bool) -> None:
        super().__init__()
        self.high, self.per_channel = 2**bits - 1, per_channel
        self.half = 2 ** (bits - 1)
        self.first, self.second, self.head = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 6, 1), nn.Linear(6, 4)
        for layer in (self.first, self.second, self.head):
            layer.register_buffer("scale", torch.linspace(0.004, 0.02, len(layer.weight)))
            layer.register_buffer("zero", torch.zeros(len(layer.weight), dtype=torch.int32))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.activation(x, 0.05, self.high // 2)
        x = self.activation(F.relu(F.conv2d(x, self.weight(self.first), self.first.bias)), 0.03, 0)
        y = self.activation(F.conv2d(x, self.weight(self.second), self.second.bias), 0.04, self.high // 2)
        x = self.activation(F.relu(x + y), 0.05, 0)
        x = self.activation(F.adaptive_avg_pool2d(x, 1).flatten(1), 0.02, 0)
        return F.linear(x, self.weight(self.head), self.head.bias)

    def activation(self, x: torch.Tensor, scale: float, zero: int) -> torch.Tensor:
        return torch.fake_quantize_per_tensor_affine(x, scale, zero, 0, self.high)

    def weight(self, layer: nn.Module) -> torch.Tensor:
        weight, low, high = layer.weight, -self.half, self.half - 1
        if not self.per_channel:
            return torch.fake_quantize_per_tensor_affine(weight, 0.01, 0, low, high)
        return torch.fake_quantize_per_channel_affine(weight, layer.scale, layer.zero, 0, low, high)


@pytest.mark.parametrize("opset", [13, 17])
@pytest.mark.parametrize("per_channel", [False, True])
def test_exported_fake_quantization_is_read(per_channel: bool, opset: int, rewrite, tmp_path: pathlib.Path) -> None:
    source, target = tmp_path / "export.onnx", tmp_path / "rewritten.onnx"
    torch.manual_seed(3)
    module = FakeQuantized(8, per_channel).eval()
    export(module, source, dynamo=False, opset_version=opset)
    found = rewrite(source, target)
    assert (found["dialect"], found["unread"]) == ("qdq", []), found
    # three weights and five activations
    assert found["quantizers"] == 8
    onnx.checker.check_model(str(target), full_check=True)
    for x in samples(FakeQuantized, 4):
        before, after = run(source, x), run(target, x)
        assert (before == after).all()
        assert np.abs(module(torch.from_numpy(x)).detach().numpy() - after).max() <= 0.06


def made(network: type[nn.Module]) -> nn.Module:
    """A network with seeded weights and lived-in batch normalizations."""
    torch.manual_seed(5)
    module = network().eval()
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.uniform_(part.bias, -0.5, 0.5)
            nn.init.uniform_(part.running_mean, -0.5, 0.5)
            nn.init.uniform_(part.running_var, 0.5, 2.0)
    return module


def export(module: nn.Module, path: pathlib.Path, **options) -> None:
    """Writes a network with one of PyTorch's exporters, its weights in the file."""
    if options.get("dynamo"):
        options["external_data"] = False
    torch.onnx.export(module, (torch.randn(module.shape),), str(path), input_names=["x"], output_names=["y"], verbose=False, **options)


def samples(network: type[nn.Module], count: int) -> list[np.ndarray]:
    """Random inputs, the same at every run."""
    random = np.random.default_rng(11)
    return [random.normal(size=network.shape).astype(np.float32) for _ in range(count)]


def run(path: pathlib.Path, x: np.ndarray) -> np.ndarray:
    """The output in ONNX Runtime without optimizations."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(["y"], {"x": x})[0]
