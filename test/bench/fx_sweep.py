"""CPU seconds of PyTorch's FX graph mode for a grid of models and widths: prepare, calibrate, and evaluate with fake quantization.

usage: python test/bench/fx_sweep.py CALIBRATION_BIN TEST_BIN CALIBRATION_SAMPLES EVALUATION_SAMPLES WIDTHS MODEL.onnx...

ResNet-20 for CIFAR-10 (He et al., 2015, option A shortcuts) with a state dict whose keys are conv1, bn1, layer1..3, linear; it
is read from the initializers of the ONNX files. FX calibrates each width of each model by itself. Imports, reading and
preprocessing are not timed. Needs torch, numpy and onnx.
"""

import sys
import time

import numpy
import onnx
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


def read_model(path):
    state = {i.name: torch.from_numpy(onnx.numpy_helper.to_array(i).copy()) for i in onnx.load(path).graph.initializer}
    model = ResNet20()
    # num_batches_tracked is of no use after training, and exporters leave it out
    wanted = {key for key in model.state_dict() if not key.endswith("num_batches_tracked")}
    model.load_state_dict({key: state[key] for key in wanted}, strict=False)
    return model.eval()


def mapping_of(bits):
    levels = 2**bits
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
    return QConfigMapping().set_global(QConfig(activation=activation, weight=weight))


def calibrate(model, bits, images):
    prepared = prepare_fx(model, mapping_of(bits), (images[:1],))
    prepared.apply(torch.ao.quantization.enable_observer)
    prepared.apply(torch.ao.quantization.disable_fake_quant)
    for batch in images.split(32):
        prepared(batch)
    prepared.apply(torch.ao.quantization.disable_observer)
    prepared.apply(torch.ao.quantization.enable_fake_quant)
    return prepared


def count(prepared, images, labels):
    return sum(
        int((prepared(batch).argmax(1) == truth).sum()) for batch, truth in zip(images.split(128), labels.split(128))
    )


def timed(work, *arguments):
    start, cpu = time.perf_counter(), time.process_time()
    result = work(*arguments)
    return result, numpy.array([time.process_time() - cpu, time.perf_counter() - start])


def show(seconds):
    return f"{seconds[0]:.1f} CPU s ({seconds[1]:.1f} s)"


def main(calibration, test, calibrated, evaluated, widths, *models):
    calibration_images, _ = images(calibration, int(calibrated))
    test_images, labels = images(test, int(evaluated))
    calibrating, evaluating = numpy.zeros(2), numpy.zeros(2)
    with torch.no_grad():
        for path in models:
            for bits in map(int, widths.split(",")):
                prepared, first = timed(calibrate, read_model(path), bits, calibration_images)
                correct, second = timed(count, prepared, test_images, labels)
                calibrating += first
                evaluating += second
                cell = f"FX {path} W{bits}A{bits}: {correct}/{len(labels)}"
                print(f"{cell}; calibration {show(first)}, evaluation {show(second)}", flush=True)
    print(f"FX calibration on {calibrated} images: {show(calibrating)}, evaluation: {show(evaluating)}")
    print(f"FX together: {show(calibrating + evaluating)}, {torch.get_num_threads()} threads, torch {torch.__version__}")


if __name__ == "__main__":
    main(*sys.argv[1:])
