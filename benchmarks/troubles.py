"""The last pages of docs/evidence.md: the checklist of a network that does not learn, and what books get wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from lab import Lab

from nnlaw.nn.data.dataset import Dataset
from nnlaw.nn.data.idx import write_idx
from nnlaw.nn.data.load import load_folder

MISTAKES = '''
import numpy as np
from nn import Layer, initializer, layer
from spec import obeys

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
    return 0.05 * np.random.standard_normal(shape)  # the global generator: no seed reaches it
'''

DEEP = "dense:64 sigmoid " * 11
WIDE = "dense:64 {} dense:10"
LINES = [
    ("The loss does not move, or all digits get one answer", "--init zeros"),
    ("The loss jumps and never comes back", "--lr 10"),
    ("The loss climbs step by step", "--lr 0.5"),
    ("The first loss is far above ln 10 = 2.30", "--plugin mistakes.py --init loud"),
    ("It learns slowly and badly: softmax before a loss that has its own", '--layers "dense:64 relu dense:10 softmax"'),
    ("The lower layers of a deep network stand still", f'--init xavier --layers "{DEEP}dense:10"'),
    ("A layer of mine learns worse than it should", f'--plugin mistakes.py --layers "{WIDE.format("softsign")}"'),
    ("A layer of mine spoils its neighbor", f'--plugin mistakes.py --layers "{WIDE.format("leaky_in_place")}"'),
    ("A layer of mine passes nothing on", f'--plugin mistakes.py --layers "{WIDE.format("late_relu")}"'),
    ("The loss stops at 2.30 after some steps", '--lr 1 --clip-norm 2 --layers "dense:32 relu dense:32 relu dense:10"'),
    ("Two runs of one seed differ", "--plugin mistakes.py --init unseeded"),
]


def checklist(lab: Lab) -> None:
    """Each line names its law and the command that judges it."""
    page = lab.page.heading("My net is not learning")
    page.text(
        "Put `--strict` behind your command: the first law that is broken names itself, the place and the likely "
        "cause. Each line below was provoked by its command and shows what --strict said. The faulty plugins are "
        "these:"
    )
    file = lab.plugin("mistakes.py", MISTAKES)
    lines = []
    for symptom, flags in LINES:
        ran = lab.train(f"{flags.replace('mistakes.py', str(file))} --strict --epochs 2")
        lines.append((symptom, f"nn train mnist/ {flags} --strict".replace(DEEP, "dense:64 sigmoid (×11) "), ran))
    ran = lab.train("--strict --epochs 1", data=_folder(lab, "leaky", _leak), shown="leaky/")
    lines.append(("The test accuracy is too good to be true", "nn train leaky/ --strict", ran))
    ran = lab.train("--lr 1e6 --epochs 1")
    lines.append(("nan", "nn train mnist/ --lr 1e6", ran))
    rows = [[str(i), symptom, ran.law, f"`{command}`"] for i, (symptom, command, ran) in enumerate(lines, 1)]
    page.table(["", "symptom", "law that speaks", "command that judges it"], rows)
    page.text("What each of them said:")
    page.code([line for i, (*_, ran) in enumerate(lines, 1) for line in f"{i}. {ran.diagnostic}".splitlines()])
    page.text("Data that was not standardized cannot reach a network by `nn train`; in code of your own:")
    lab.python(
        "from spec import DataCase, conformance\n"
        "pixels = np.random.default_rng(0).integers(0, 256, (100, 784)).astype(np.float32)\n"
        "labels = {'training': np.arange(100) % 10}\n"
        "images = {'training': pixels[:50], 'test': pixels[50:]}\n"
        "for violation in conformance(DataCase('data', pixels, labels, images, 10)).violations: print(violation)"
    )
    page.text(
        "No law speaks where nothing is broken and learning is still poor: a learning rate that is too low, too few "
        "epochs, labels that belong to other images, data in sorted order. For those look at the loss curve "
        "(curves.png), at the digits that were read wrong (mistakes.png), and at the questions above and below. For "
        'the gradient of one layer by hand: `nn trace --plugin mine.py --layers "dense:2 mine dense:1" --x -1,2 --y 1`.'
    )


def _folder(lab: Lab, name: str, change: Any) -> Path:
    """The data set, changed, as a folder of its own."""
    data = load_folder(lab.data)
    parts = change(data)
    folder = lab.work / name
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
from nn import initializer

@initializer("constant")
def constant(rng, shape, fan_in, fan_out):
    return np.full(shape, 0.01)
'''


def corrections(lab: Lab) -> None:
    """What textbooks often get wrong."""
    page = lab.page.heading("What textbooks often get wrong")
    page.heading('"Zero initialization destroys symmetry, or makes gradients vanish"', 3)
    page.text(
        "It keeps symmetry, as any constant does, and that is the trouble. With the constant 0.01 the weights move "
        "and the loss falls a little, and still all 128 units of the first layer are one unit, 128 times:"
    )
    file = lab.plugin("constant.py", CONSTANT)
    ran = lab.train(f"--plugin {file} --init constant --epochs 2")
    w = ran.weights()["0:dense.W"]
    widest = float(np.ptp(w, axis=1).max())
    page.code(
        [
            "nn train mnist/ --plugin constant.py --init constant --epochs 2",
            f"largest difference between two units of layer 1: {widest:.1e}",
            f"weights of layer 1: {w.min():.3f} to {w.max():.3f}",
            f"accuracy {ran.accuracy}",
        ]
    )
    page.heading("0.186 × (−1.326) = −0.247", 3)
    page.text(
        "The gradient of the hand-traced network's logit is a − y = −0.2460. The local slope is 0.18549; rounded to "
        "0.1855 and again to 0.186 it gives −0.2466, printed as −0.247, which disagrees with the fused formula two "
        "lines below. Round once, at the end (`nn trace`):"
    )
    lab.python(
        "a = 1 / (1 + np.exp(-1.12))\n"
        "print('slope', round(a * (1 - a), 5), '  rounded twice:', round(0.186 * -1.326, 4))\n"
        "print('unrounded:', round(a * (1 - a) * (-1 / a), 4), '  fused, a - 1:', round(a - 1, 4))"
    )
    page.heading("Looping over the data as it lies", 3)
    page.text(
        "`for x, y in zip(images, labels)` without shuffling works only because MNIST was shuffled before it was "
        "published. With the same images sorted by label, the network learns each digit in turn and forgets the last "
        "one:"
    )
    folder = _folder(lab, "sorted", _sorted)
    runs = [lab.train(f"--batches {b} --epochs 2", data=folder, shown="sorted/") for b in ("sequential", "shuffled")]
    page.table(["command", "accuracy"], [[f"`{r.command}`", r.accuracy] for r in runs])
    page.heading("W @ x in the text, x @ W in the code", 3)
    page.text(
        "For the book's square W1 both run, and give different networks: z1 = [0.6, 1.2] and [0.8, 1.1]. `nn trace` "
        "says which is meant, and shows both numbers."
    )
    page.heading("The first loss is ln C", 3)
    first = lab.train("--epochs 1").steps[0]["loss"]
    page.text(
        "Only where all logits start equal. He's weights give logits of some variance σ², and the expected loss is "
        f"about ln C + σ²/2: the first batch of the default network costs {first:.2f}, not {np.log(10):.2f}. The law "
        "`initial-loss` knows this."
    )
    page.heading("The smaller h, the better the finite difference", 3)
    page.text("Until roundoff wins: the error of (f(x + h) − f(x − h)) / 2h for tanh at 0.7, in float64 and float32:")
    lab.python(
        "true = 1 - np.tanh(0.7) ** 2\n"
        "for k in (1, 2, 3, 5, 7, 9, 11):\n"
        "    errors = []\n"
        "    for kind in (np.float64, np.float32):\n"
        "        x, h = kind(0.7), kind(10.0 ** -k)\n"
        "        up, down = x + h, x - h\n"
        "        errors.append(abs((np.tanh(up) - np.tanh(down)) / max(up - down, kind(1e-30)) - true))\n"
        "    print(f'h = 1e-{k:<3} float64 {errors[0]:.0e}   float32 {errors[1]:.0e}')"
    )
