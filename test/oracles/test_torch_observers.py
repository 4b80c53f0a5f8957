"""The observers of `@bitwright/quantize` that PyTorch has too: the same samples give the same scales and zero points."""

import json
import pathlib
import subprocess

import numpy as np
import pytest
import torch
from torch.ao.quantization.observer import (
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    PerChannelMinMaxObserver,
)

OBSERVERS = {
    "min-max": MinMaxObserver,
    "moving-average": MovingAverageMinMaxObserver,
    "torch-histogram": HistogramObserver,
}


@pytest.fixture(scope="module")
def emitted(node: str) -> dict:
    """What the built package computes; see emit_observers.mjs."""
    script = pathlib.Path(__file__).with_name("emit_observers.mjs")
    done = subprocess.run([node, str(script)], capture_output=True, text=True, check=True, timeout=120)
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", OBSERVERS)
def test_observer(emitted: dict, name: str) -> None:
    wrong = []
    for stream in emitted["streams"]:
        samples = [torch.tensor(sample, dtype=torch.float32) for sample in stream["samples"]]
        for grid in stream["grids"]:
            observer = OBSERVERS[name](**grid_of(grid["bits"], grid["symmetric"]))
            for sample in samples:
                observer(sample)
            scale, zero_point = observer.calculate_qparams()
            ours = grid["results"][name]
            # a running average and a sum are not associative in float32: the last bit may differ
            same = np.isclose(ours["scale"], scale.item(), rtol=3e-7, atol=0) and ours["zeroPoint"] == zero_point.item()
            if not same:
                wrong.append(f"{stream['name']}, {grid['bits']} bits: {ours} != {scale.item()}, {zero_point.item()}")
    assert wrong == []


@pytest.mark.parametrize("scheme", ["symmetric", "affine"])
def test_per_channel_weights(emitted: dict, scheme: str) -> None:
    for weight in emitted["weights"]:
        values = torch.tensor(weight["values"], dtype=torch.float32).reshape(weight["dims"])
        observer = PerChannelMinMaxObserver(
            ch_axis=weight["axis"],
            dtype=torch.qint8,
            qscheme=torch.per_channel_symmetric if scheme == "symmetric" else torch.per_channel_affine,
        )
        observer(values)
        scale, zero_point = observer.calculate_qparams()
        ours = weight["results"][scheme]
        np.testing.assert_allclose(ours["scale"], scale.numpy(), rtol=3e-7)
        np.testing.assert_array_equal(ours["zeroPoint"], zero_point.numpy())


def grid_of(bits: int, symmetric: bool) -> dict:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if symmetric else (0, 2**bits - 1)
    return {
        "dtype": torch.qint8 if symmetric else torch.quint8,
        "qscheme": torch.per_tensor_symmetric if symmetric else torch.per_tensor_affine,
        "quant_min": low,
        "quant_max": high,
    }
