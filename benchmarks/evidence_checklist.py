"""The last sections of docs/evidence.md: a checklist for a network that does not learn, and common mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from evidence_page import EvidencePage

from nnlaw.nn.data.dataset import Dataset
from nnlaw.nn.data.idx import write_idx
from nnlaw.nn.data.load import load_folder

MISTAKES = '''
import numpy as np
from nnlaw import Layer, initializer, layer, obeys

@layer("softsign")
@obeys("N ... -> N ...")
class SoftSign(Layer):
    def forward(self, x):
        self.x = x
        return x / (1 + np.abs(x))
    def backward(self, dy):
        return dy / (1 + np.abs(self.x))            # should be (1 + |x|) squared

@layer("leaky_in_place")
@obeys("N ... -> N ...")
class LeakyInPlace(Layer):
    def forward(self, x):
        self.on = x > 0
        x[~self.on] *= 0.1                          # writes into its input
        return x
    def backward(self, dy):
        return np.where(self.on, dy, 0.1 * dy)

@layer("late_relu")
@obeys("N ... -> N ...")
class LateReLU(Layer):
    def forward(self, x):
        self.on = x > 100                           # never
        return (x - 100) * self.on
    def backward(self, dy):
        return dy * self.on

@initializer("loud")
def loud(rng, shape, fan_in, fan_out):
    return 0.2 * rng.standard_normal(shape)         # not divided by the root of fan_in

@initializer("unseeded")
def unseeded(rng, shape, fan_in, fan_out):
    return 0.05 * np.random.standard_normal(shape)  # the global generator, not rng
'''

DEEP = "dense:64 sigmoid " * 11
WIDE = "dense:64 {} dense:10"
LINES = [
    ("The loss does not change, or all digits get the same prediction", "--init zeros"),
    ("The loss jumps and stays high", "--lr 10"),
    ("The loss rises step by step", "--lr 0.5"),
    ("The first loss is far above ln 10 = 2.30", "--plugin mistakes.py --init loud"),
    ("It learns slowly: softmax before a loss that includes softmax", '--layers "dense:64 relu dense:10 softmax"'),
    ("The first layers of a deep network do not change", f'--init xavier --layers "{DEEP}dense:10"'),
    ("My layer learns worse than it should", f'--plugin mistakes.py --layers "{WIDE.format("softsign")}"'),
    ("My layer changes its input", f'--plugin mistakes.py --layers "{WIDE.format("leaky_in_place")}"'),
    ("My layer outputs only zeros", f'--plugin mistakes.py --layers "{WIDE.format("late_relu")}"'),
    ("The loss stops at 2.30 after some steps", '--lr 1 --clip-norm 2 --layers "dense:32 relu dense:32 relu dense:10"'),
    ("Two runs of one seed differ", "--plugin mistakes.py --init unseeded"),
]


def checklist(evidence: EvidencePage) -> None:
    """A symptom per row, with the law that fails and the command that shows it."""
    page = evidence.page.heading("My network does not learn")
    page.text(
        "Add `--strict` to your command: the first law that fails is reported with its location and a likely cause. "
        "Each command below produces one of these symptoms. The faulty plugins are:"
    )
    file = evidence.plugin("mistakes.py", MISTAKES)
    lines = []
    for symptom, flags in LINES:
        result = evidence.train(f"{flags.replace('mistakes.py', str(file))} --strict --epochs 2")
        lines.append((symptom, f"nn train mnist/ {flags} --strict".replace(DEEP, "dense:64 sigmoid (×11) "), result))
    result = evidence.train("--strict --epochs 1", data=_folder(evidence, "leaky", _leak), shown="leaky/")
    lines.append(("The test accuracy is too good to be true", "nn train leaky/ --strict", result))
    result = evidence.train("--lr 1e6 --epochs 1")
    lines.append(("nan", "nn train mnist/ --lr 1e6", result))
    rows = [[str(i), symptom, result.law, f"`{command}`"] for i, (symptom, command, result) in enumerate(lines, 1)]
    page.table(["", "symptom", "failed law", "command"], rows)
    page.text("The diagnostics:")
    page.code([line for i, (*_, result) in enumerate(lines, 1) for line in f"{i}. {result.diagnostic}".splitlines()])
    page.text("`nn train` standardizes its data; in your own code, unstandardized data fails a law:")
    evidence.python(
        "from nnlaw import DataCase, conformance\n"
        "pixels = np.random.default_rng(0).integers(0, 256, (100, 784)).astype(np.float32)\n"
        "labels = {'training': np.arange(100) % 10}\n"
        "images = {'training': pixels[:50], 'test': pixels[50:]}\n"
        "for violation in conformance(DataCase('data', pixels, labels, images, 10)).violations: print(violation)"
    )
    page.text(
        "Some problems fail no law: a learning rate that is too low, too few epochs, labels that belong to other "
        "images, data in sorted order. For these, look at the loss curve (curves.png), the misclassified digits "
        "(mistakes.png), and the questions above and below. To see the gradient of one layer with every number: "
        '`nn trace --plugin mine.py --layers "dense:2 mine dense:1" --x -1,2 --y 1`.'
    )


def _folder(evidence: EvidencePage, name: str, change: Any) -> Path:
    """A folder with the changed data set."""
    data = load_folder(evidence.data)
    parts = change(data)
    folder = evidence.work / name
    folder.mkdir()
    stems = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    for stem, array in zip(stems, parts, strict=True):
        write_idx(folder / f"{stem}-ubyte", array)
    return folder


def _leak(d: Dataset) -> tuple[Any, ...]:
    """The first hundred test images among the training images."""
    images = np.concatenate([d.test_images[:100], d.train_images[100:]])
    return images, np.concatenate([d.test_labels[:100], d.train_labels[100:]]), d.test_images, d.test_labels


def _sorted(d: Dataset) -> tuple[Any, ...]:
    """Training images in the order of their labels."""
    order = np.argsort(d.train_labels, kind="stable")
    return d.train_images[order], d.train_labels[order], d.test_images, d.test_labels


CONSTANT = '''
import numpy as np
from nnlaw import initializer

@initializer("constant")
def constant(rng, shape, fan_in, fan_out):
    return np.full(shape, 0.01)
'''


def corrections(evidence: EvidencePage) -> None:
    """What textbooks often get wrong."""
    page = evidence.page.heading("What textbooks often get wrong")
    page.heading('"Zero initialization destroys symmetry, or makes gradients vanish"', 3)
    page.text(
        "It keeps symmetry, as any constant does, and this is the problem. With the constant 0.01 the weights change "
        "and the loss falls a little, but all 128 units of the first layer stay equal:"
    )
    file = evidence.plugin("constant.py", CONSTANT)
    result = evidence.train(f"--plugin {file} --init constant --epochs 2")
    w = result.weights()["0:dense.W"]
    widest = float(np.ptp(w, axis=1).max())
    page.code(
        [
            "nn train mnist/ --plugin constant.py --init constant --epochs 2",
            f"largest difference between two units of layer 1: {widest:.1e}",
            f"weights of layer 1: {w.min():.3f} to {w.max():.3f}",
            f"accuracy {result.accuracy}",
        ]
    )
    page.heading("0.186 × (−1.326) = −0.247", 3)
    page.text(
        "The gradient of the logit in the network of `nn trace` is a − y = −0.2460. The slope of the sigmoid is "
        "0.18549; rounded to 0.1855 and again to 0.186 it gives −0.2466, printed as −0.247, which contradicts the "
        "simplified formula a − y. Round only the final result:"
    )
    evidence.python(
        "a = 1 / (1 + np.exp(-1.12))\n"
        "print('slope', round(a * (1 - a), 5), '  rounded twice:', round(0.186 * -1.326, 4))\n"
        "print('unrounded:', round(a * (1 - a) * (-1 / a), 4), '  simplified, a - 1:', round(a - 1, 4))"
    )
    page.heading("Looping over the data in file order", 3)
    page.text(
        "`for x, y in zip(images, labels)` without shuffling works only because MNIST was shuffled before it was "
        "published. With the same images sorted by label, the network learns one digit after the other and forgets the "
        "previous ones:"
    )
    folder = _folder(evidence, "sorted", _sorted)
    flags = [f"--batches {batches} --epochs 2" for batches in ("sequential", "shuffled")]
    runs = [evidence.train(each, data=folder, shown="sorted/") for each in flags]
    page.table(["command", "accuracy"], [[f"`{r.command}`", r.accuracy] for r in runs])
    page.heading("W @ x in the text, x @ W in the code", 3)
    page.text(
        "If W1 is square, both run, and give different results, such as z1 = [0.6, 1.2] and [0.8, 1.1]. `nn trace` "
        "names its convention, and shows both results."
    )
    page.heading("The first loss is ln C", 3)
    first = evidence.train("--epochs 1").steps[0]["loss"]
    page.text(
        "Only if all logits are equal at the start. With He initialization the logits have a variance σ², and the "
        f"expected loss is about ln C + σ²/2: the first loss of the default network is {first:.2f}, not "
        f"{np.log(10):.2f}. The law `initial-loss` takes this into account."
    )
    page.heading("The smaller h, the better the finite difference", 3)
    page.text("Only until roundoff dominates. The error of (f(x + h) − f(x − h)) / 2h for tanh at 0.7:")
    evidence.python(
        "true = 1 - np.tanh(0.7) ** 2\n"
        "for k in (1, 2, 3, 5, 7, 9, 11):\n"
        "    errors = []\n"
        "    for kind in (np.float64, np.float32):\n"
        "        x, h = kind(0.7), kind(10.0 ** -k)\n"
        "        up, down = x + h, x - h\n"
        "        errors.append(abs((np.tanh(up) - np.tanh(down)) / max(up - down, kind(1e-30)) - true))\n"
        "    print(f'h = 1e-{k:<3} float64 {errors[0]:.0e}   float32 {errors[1]:.0e}')"
    )
