"""Replays every layer with weights from `bitwright export --as integers --data ... --to FOLDER`, in whole numbers alone."""
import json, sys
import numpy as np

folder = sys.argv[1]
manifest, arrays = json.load(open(f"{folder}/manifest.json")), np.load(f"{folder}/integers.npz")
get = lambda name: arrays[name].astype(np.int64)
along = lambda v, like: v.reshape(-1, *[1] * (like.ndim - 2))  # one value a channel; channels are axis 1

def convolve(x, w, strides, pads, dilations, groups):  # x holds zeros in its padding: it is centred already
    x = np.pad(x, [(0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])])
    (n, c, h, v), (o, d, kh, kw) = x.shape, w.shape
    rows, cols = ((s - dl * (k - 1) - 1) // st + 1 for s, dl, k, st in zip((h, v), dilations, (kh, kw), strides))
    patches = np.stack([x[:, :, i * dilations[0]:, j * dilations[1]:][:, :, :rows * strides[0]:strides[0], :cols * strides[1]:strides[1]][:, :, :rows, :cols] for i in range(kh) for j in range(kw)], 2)
    patches, w = patches.reshape(n, groups, d * kh * kw, rows * cols), w.reshape(groups, o // groups, d * kh * kw)
    return np.einsum("ngkp,gok->ngop", patches, w).reshape(n, o, rows, cols)

def requantize(a, layer):
    how, zero = layer["requantize"], layer["outputGrid"]["zeroPoint"]
    if how["kind"] == "float":
        y = np.rint(a.astype(np.float32) * along(arrays[how["multiplier"]], a)).astype(np.int64)
    else:  # gemmlowp: a saturating rounding doubling high product, then a rounding shift, ties away from zero
        shift = along(get(how["shift"]), a) - 31  # a multiplier of 1 or more has shifted left before
        a = np.clip(a << np.maximum(-shift, 0), -(1 << 31), (1 << 31) - 1)
        p, right = a * along(get(how["multiplier"]), a), np.maximum(shift, 0)
        high = (lambda q: np.sign(q) * (np.abs(q) >> 31))(p + np.where(p >= 0, 1 << 30, 1 - (1 << 30)))
        y = np.sign(high) * ((np.abs(high) + ((1 << right) >> 1)) >> right)
    return np.clip(y + zero, layer["low"], layer["high"])

for layer in (one for one in manifest["layers"] if one["kind"] == "dot"):
    w, x = get(layer["weights"]), get(layer["golden"]["input"]) - layer["inputGrid"]["zeroPoint"]
    w = w - get(layer["weightZeroPoint"]).reshape(-1, *[1] * (w.ndim - 1))
    acc = x @ w.T if w.ndim == 2 else convolve(x, w, layer["strides"], layer["pads"], layer["dilations"], layer["groups"])
    biased = acc + (along(get(layer["bias"]), acc) if "bias" in layer else 0)
    code = requantize((biased + (1 << 31)) % (1 << 32) - (1 << 31), layer)  # the bias is added in 32 bits, which wrap
    wrong = [(acc != get(layer["golden"]["accumulators"])).sum(), (code != get(layer["golden"]["output"])).sum()]
    print(f"{layer['name']}: {acc.size} accumulators, {wrong[0]} differ; {code.size} codes, {wrong[1]} differ")
