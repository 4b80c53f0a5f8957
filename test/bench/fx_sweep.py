"""CPU seconds of PyTorch's FX graph mode for one cell of a sweep: prepare, calibrate, and evaluate with fake quantization.

usage: python test/bench/fx_sweep.py CHECKPOINT CALIBRATION_BIN TEST_BIN [BITS] [CALIBRATION_SAMPLES] [EVALUATION_SAMPLES]

ResNet-20 for CIFAR-10 (He et al., 2015, option A shortcuts) with a state dict whose keys are conv1, bn1, layer1..3, linear.
The figures are for one width of one model: a grid of 21 cells takes 21 times as long, since FX calibrates each by itself.
"""

import sys
import time

import numpy
import torch
from torch import nn
from torch.ao.quantization import FakeQuantize, HistogramObserver, PerChannelMinMaxObserver, QConfig, QConfigMapping
from torch.ao.quantization.quantize_fx import prepare_fx


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu1 = nn.ReLU()
        self.relu2 = nn.ReLU()
        self.narrow = inputs != outputs
        self.pad = outputs // 4

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x)))))
        if self.narrow:
            x = nn.functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.pad, self.pad))
        return self.relu2(y + x)


class ResNet20(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU()
        widths = [(16, 16, 1), (16, 32, 2), (32, 64, 2)]
        for i, (inputs, outputs, stride) in enumerate(widths, 1):
            blocks = [Block(inputs, outputs, stride), Block(outputs, outputs, 1), Block(outputs, outputs, 1)]
            setattr(self, f"layer{i}", nn.Sequential(*blocks))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(self.relu(self.bn1(self.conv1(x))))))
        return self.linear(torch.flatten(nn.functional.avg_pool2d(x, 8), 1))


def images(path, count):
    raw = numpy.fromfile(path, numpy.uint8, count * 3073).reshape(-1, 3073)
    pixels = torch.from_numpy(raw[:, 1:].reshape(-1, 3, 32, 32).astype(numpy.float32) / 255)
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    return (pixels - mean) / std, torch.from_numpy(raw[:, 0].astype(numpy.int64))


def main(checkpoint, calibration, test, bits="8", calibrated="1024", evaluated="1000"):
    levels = 2 ** int(bits)
    model = ResNet20()
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    state = state.get("state_dict", state)
    model.load_state_dict({key.removeprefix("module."): value for key, value in state.items()})
    model.eval()
    calibration_images, _ = images(calibration, int(calibrated))
    test_images, labels = images(test, int(evaluated))
    activation = FakeQuantize.with_args(
        observer=HistogramObserver, quant_min=0, quant_max=levels - 1, dtype=torch.quint8, reduce_range=False
    )
    weight = FakeQuantize.with_args(
        observer=PerChannelMinMaxObserver,
        quant_min=-levels // 2,
        quant_max=levels // 2 - 1,
        dtype=torch.qint8,
        qscheme=torch.per_channel_symmetric,
        ch_axis=0,
    )
    mapping = QConfigMapping().set_global(QConfig(activation=activation, weight=weight))
    with torch.no_grad():
        start, cpu = time.perf_counter(), time.process_time()
        prepared = prepare_fx(model, mapping, (calibration_images[:1],))
        prepared.apply(torch.ao.quantization.enable_observer)
        prepared.apply(torch.ao.quantization.disable_fake_quant)
        for batch in calibration_images.split(32):
            prepared(batch)
        prepared.apply(torch.ao.quantization.disable_observer)
        prepared.apply(torch.ao.quantization.enable_fake_quant)
        calibrated_cpu, calibrated_wall = time.process_time() - cpu, time.perf_counter() - start
        start, cpu = time.perf_counter(), time.process_time()
        correct = sum(
            int((prepared(batch).argmax(1) == truth).sum())
            for batch, truth in zip(test_images.split(128), labels.split(128))
        )
    cpu, wall = time.process_time() - cpu, time.perf_counter() - start
    total = len(labels)
    print(f"FX W{bits}A{bits}: {correct}/{total}; fake quantization of what FX quantizes, input to logits")
    print(f"calibration on {calibrated} images: {calibrated_cpu:.1f} CPU s ({calibrated_wall:.1f} s)")
    print(f"evaluation of {total} images: {cpu:.1f} CPU s ({wall:.1f} s)")


if __name__ == "__main__":
    main(*sys.argv[1:])
