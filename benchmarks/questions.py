"""The questions of docs/evidence.md. Each takes the lab, runs its commands, and writes its answer on the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from arithmetic import fused, log_sum_exp, offset
from lab import Lab, Ran, mean_sd
from troubles import checklist, corrections


def no_activations(lab: Lab) -> None:
    """A linear stack against one matrix."""
    page = lab.page.heading("What happens without activations?")
    nets = ("dense:10", "dense:128 dense:64 dense:10", "dense:128 relu dense:64 relu dense:10")
    runs = [lab.train(f'--layers "{layers}" --epochs 3') for layers in nets]
    page.text(
        "A stack of linear layers is one linear layer: it has many more weights than `dense:10` and cannot say more. "
        "ReLU between them makes the difference."
    )
    page.table(["command", "weights", "accuracy"], [[f"`{r.command}`", _weights(r), r.accuracy] for r in runs])
    page.text("The trained linear stack, multiplied out into one matrix W and one bias c, gives the same logits:")
    lab.python(
        "w = read_arrays('runs/.../weights.safetensors')\n"
        "W1, W2, W3 = (w[f'{i}:dense.W'].astype(float) for i in range(3))\n"
        "b1, b2, b3 = (w[f'{i}:dense.b'].astype(float) for i in range(3))\n"
        "W, c = W1 @ W2 @ W3, (b1 @ W2 + b2) @ W3 + b3\n"
        "x = np.random.default_rng(0).standard_normal((1000, 784))\n"
        "stack = ((x @ W1 + b1) @ W2 + b2) @ W3 + b3\n"
        "print('W', W.shape, ' largest difference', f'{np.abs(stack - (x @ W + c)).max():.1e}')",
        read_arrays=lambda path: runs[1].weights(),
    )


def _weights(ran: Ran) -> str:
    return f"{sum(a.size for a in ran.weights().values()):,}"


def batch_sizes(lab: Lab) -> None:
    """Batch 1, 32, all."""
    page = lab.page.heading("What does the batch size change?")
    flags = (
        "--batch-size 1 --epochs 1",
        "--batch-size 32 --epochs 1",
        "--batch-size 55000 --epochs 1",
        "--batch-size 55000 --epochs 60 --lr 0.3",
    )
    runs = [lab.train(each) for each in flags]
    page.text(
        "One epoch is one look at every image; a smaller batch takes more steps on it. Batch 1 learns most per look, "
        "but its steps are noisy and slow by the image, for a matrix product over 32 rows costs much less than 32 "
        "over one. The full batch takes one step an epoch: exact, and hardly any learning, until it is given many "
        "epochs and long steps."
    )
    rows = []
    for r in runs:
        seconds = sum(r.summary["epoch_seconds"])
        last = [s["loss"] for s in r.steps][-200:]
        noise = f"{np.std(last):.2f}" if len(r.steps) > 200 else "-"
        rows.append([f"`{r.command}`", f"{len(r.steps):,}", f"{seconds:.1f} s", noise, r.accuracy])
    page.table(["command", "steps", "time", "deviation of the last 200 losses", "accuracy"], rows)

    def draw(axes: Any) -> None:
        for r, size, label in zip(runs, (1, 32, 55000, 55000), ("1", "32", "all", "all, lr 0.3"), strict=True):
            losses = np.array([s["loss"] for s in r.steps])
            width = max(1, len(losses) // 60)
            smooth = losses[: len(losses) // width * width].reshape(-1, width).mean(axis=1)
            axes.loglog(np.arange(1, len(smooth) + 1) * width * size, smooth, marker=".", label=f"batch {label}")

    lab.plot("batch.png", "loss against images seen, by batch size", draw, xlabel="images seen", ylabel="loss")


def starts(lab: Lab) -> None:
    """zeros, Xavier, He."""
    page = lab.page.heading("How should weights begin?")
    runs = [lab.train(f"--init {init} --epochs 2") for init in ("zeros", "xavier", "he")]
    page.text(
        "Zero weights are a trap: no hidden unit differs from its neighbor, so none ever will. With ReLU not even that "
        "much happens: every hidden value is 0, so every product that could move a weight is 0, and only the output's "
        "biases learn how often each digit occurs. Xavier and He differ in scale alone; at this depth both do."
    )
    rows = []
    for r in runs:
        w = r.weights()["0:dense.W"]
        rows.append([f"`{r.command}`", f"{r.steps[0]['loss']:.3f}", str(len(np.unique(w, axis=1).T)), r.accuracy])
    page.table(["command", "first loss", "different units among 128", "accuracy"], rows)
    strict = lab.train("--init zeros --strict --epochs 1")
    page.text(f"Its law: `{strict.command}` ends before the first step with")
    page.code(strict.diagnostic.splitlines())


DEEP = 11  # hidden layers, so that the network is 12 deep


def depth(lab: Lab) -> None:
    """Sigmoid against ReLU at depth 12, and three remedies."""
    page = lab.page.heading("Why did deep networks not learn, and what mended them?")
    lab.page.text(
        "Backpropagation multiplies by each activation's slope on its way down. A sigmoid's is at most ¼, so at "
        "depth 12 the first layer's gradient is smaller than the last one's by many orders of magnitude. ReLU has "
        "slope 1 where it is active; a residual block passes dy on beside its product (examples/residual.py); "
        "batchnorm puts every layer's input back into the middle of the sigmoid, where it is steepest."
    )
    block = {
        "sigmoid": ("dense:64 sigmoid", "--init xavier"),
        "relu": ("dense:64 relu", "--init he"),
        "residual": ("residual", "--plugin examples/residual.py"),
        "sigmoid with batchnorm": ("dense:64 batchnorm sigmoid", "--init xavier"),
    }
    runs = {}
    for name, (unit, flags) in block.items():
        front = "dense:64 " if name == "residual" else ""
        count = DEEP - 1 if name == "residual" else DEEP
        layers = front + " ".join([unit] * count) + " dense:10"
        ran = lab.train(f'{flags} --epochs 2 --lr 0.05 --layers "{layers}"')
        short = f'{front}{unit} (×{count}) dense:10'
        ran.command = f'nn train mnist/ {flags} --epochs 2 --lr 0.05 --layers "{short}"'
        runs[name] = ran
    rows = []
    for ran in runs.values():
        norms = _dense_norms(ran)
        rows.append([f"`{ran.command}`", f"{norms[0]:.1e}", f"{norms[-1]:.1e}", ran.accuracy])
    page.table(["command", "‖gradient‖ of layer 1 at step 1", "of layer 12", "accuracy"], rows)

    def draw(axes: Any) -> None:
        for name, ran in runs.items():
            axes.semilogy(range(1, DEEP + 2), _dense_norms(ran), marker="o", label=name)

    lab.plot("depth.png", "gradient norm by layer at the first step", draw, xlabel="layer", ylabel="‖gradient‖")
    strict = lab.train(f'--strict --init xavier --epochs 1 --layers "{"dense:64 sigmoid " * DEEP}dense:10"')
    page.text("Its law: the same sigmoid network under --strict ends before the first step with")
    page.code(strict.diagnostic.splitlines())


def _dense_norms(ran: Ran) -> list[float]:
    """Gradient norms of the first step, those of batchnorm's own parameters left out."""
    norms: list[float] = ran.steps[0]["gradient_norms"]
    return norms[::2] if len(norms) > DEEP + 1 else norms


def learning_rates(lab: Lab) -> None:
    """From 1e-5 to 10."""
    page = lab.page.heading("Which learning rate?")
    rates = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 0.5, 1, 10)
    runs = [lab.train(f"--lr {rate:g} --epochs 1 --strict") for rate in rates]
    page.text(
        "Too low learns nothing in the time given, too high destroys what was learnt; the useful range spans two "
        "orders of magnitude. Under --strict too high is caught at the step that does it, long before nan."
    )
    rows = [[f"`{r.command}`", r.accuracy, f"{r.steps[-1]['loss']:.3g}" if r.steps else "-", r.law] for r in runs]
    page.table(["command", "accuracy", "last loss", "law that spoke"], rows)

    def draw(axes: Any) -> None:
        for rate, r in zip(rates, runs, strict=True):
            losses = np.array([s["loss"] for s in r.steps])
            width = max(1, len(losses) // 40)
            smooth = losses[: len(losses) // width * width].reshape(-1, width).mean(axis=1)
            axes.semilogy(np.arange(1, len(smooth) + 1) * width, smooth, marker=".", label=f"{rate:g}")

    lab.plot("rates.png", "loss over the first epoch, by learning rate", draw, xlabel="step", ylabel="loss")


def seeds(lab: Lab) -> None:
    """Five seeds of two recipes."""
    page = lab.page.heading("How far can one run's accuracy be trusted?")
    page.text(
        "A seed draws the split, the weights and the order of the images: five seeds of two recipes, ten epochs "
        "each, mean ± standard deviation. The test set is the same for all five, so its spread shows only what a "
        "seed changes. For digits never seen, counting comes on top: of n images drawn anew, each read right with "
        "probability p, the share read right has a standard deviation of √(p(1 − p)/n); that is also why the five "
        "validation splits spread more than the test set does. A difference of 0.2% between two single runs is no "
        "finding."
    )
    rows, points = [], {}
    for name in ("default", "good"):
        runs = [lab.train(f"--config examples/{name}.toml --seed {seed}") for seed in range(5)]
        val = [r.epochs[-1]["val_accuracy"] for r in runs]
        test = [r.summary["test_accuracy"] for r in runs]
        points[name] = val, test
        p = float(np.mean(test))
        counted = f"{np.sqrt(p * (1 - p) / 5000):.2%}, {np.sqrt(p * (1 - p) / 10000):.2%}"
        shown = f"`nn train mnist/ --config examples/{name}.toml --seed 0` to `4`"
        rows.append([shown, mean_sd(val), mean_sd(test), f"{min(test):.2%} to {max(test):.2%}", counted])
    header = ["command", "validation (5 different splits)", "test set", "lowest to highest", "sd by counting alone"]
    page.table(header, rows)

    def draw(axes: Any) -> None:
        for name, (val, test) in points.items():
            axes.plot(np.array(val) * 100, np.array(test) * 100, "o", label=name)

    wanted = {"xlabel": "validation accuracy, %", "ylabel": "test accuracy, %"}
    lab.plot("seeds.png", "five seeds of two recipes", draw, **wanted)


QUESTIONS: list[Callable[[Lab], None]] = [
    no_activations,
    batch_sizes,
    starts,
    depth,
    fused,
    log_sum_exp,
    offset,
    learning_rates,
    seeds,
    checklist,
    corrections,
]
