"""The questions of docs/evidence.md. Each function runs the commands and adds a section to the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from evidence_arithmetic import log_sum_exp, offset, softmax_gradient
from evidence_checklist import checklist, corrections
from evidence_page import EvidencePage, TrainingResult, mean_sd


def no_activations(evidence: EvidencePage) -> None:
    """A stack of linear layers and a single matrix."""
    page = evidence.page.heading("What happens without activations?")
    nets = ("dense:10", "dense:128 dense:64 dense:10", "dense:128 relu dense:64 relu dense:10")
    runs = [evidence.train(f'--layers "{layers}" --epochs 3') for layers in nets]
    page.text(
        "A stack of linear layers is a linear layer: it has many more weights than `dense:10`, but cannot represent "
        "more. ReLU between the layers makes the difference."
    )
    page.table(["command", "weights", "accuracy"], [[f"`{r.command}`", _weights(r), r.accuracy] for r in runs])
    page.text("The trained linear stack, multiplied out into a matrix W and a bias c, gives the same logits:")
    evidence.python(
        "w = read_arrays('runs/.../weights.safetensors')\n"
        "W1, W2, W3 = (w[f'{i}:dense.W'].astype(float) for i in range(3))\n"
        "b1, b2, b3 = (w[f'{i}:dense.b'].astype(float) for i in range(3))\n"
        "W, c = W1 @ W2 @ W3, (b1 @ W2 + b2) @ W3 + b3\n"
        "x = np.random.default_rng(0).standard_normal((1000, 784))\n"
        "stack = ((x @ W1 + b1) @ W2 + b2) @ W3 + b3\n"
        "print('W', W.shape, ' largest difference', f'{np.abs(stack - (x @ W + c)).max():.1e}')",
        read_arrays=lambda path: runs[1].weights(),
    )


def _weights(result: TrainingResult) -> str:
    return f"{sum(a.size for a in result.weights().values()):,}"


def batch_sizes(evidence: EvidencePage) -> None:
    """Batches of 1, 32 and all images."""
    page = evidence.page.heading("What does the batch size change?")
    flags = (
        "--batch-size 1 --epochs 1",
        "--batch-size 32 --epochs 1",
        "--batch-size 55000 --epochs 1",
        "--batch-size 55000 --epochs 60 --lr 0.3",
    )
    runs = [evidence.train(each) for each in flags]
    page.text(
        "An epoch uses every image once; with smaller batches it has more steps. Batches of 1 learn most per epoch, "
        "but their steps are noisy and slow, because a matrix product over 32 rows costs much less than 32 products "
        "over one row. The full batch takes one exact step per epoch, and needs many epochs and a large learning rate."
    )
    rows = []
    for r in runs:
        seconds = sum(r.summary["epoch_seconds"])
        last = [s["loss"] for s in r.steps][-200:]
        noise = f"{np.std(last):.2f}" if len(r.steps) > 200 else "-"
        rows.append([f"`{r.command}`", f"{len(r.steps):,}", f"{seconds:.1f} s", noise, r.accuracy])
    page.table(["command", "steps", "time", "deviation of the last 200 losses", "accuracy"], rows)

    def fill(axes: Any) -> None:
        for r, size, label in zip(runs, (1, 32, 55000, 55000), ("1", "32", "all", "all, lr 0.3"), strict=True):
            losses = np.array([s["loss"] for s in r.steps])
            width = max(1, len(losses) // 60)
            smooth = losses[: len(losses) // width * width].reshape(-1, width).mean(axis=1)
            axes.loglog(np.arange(1, len(smooth) + 1) * width * size, smooth, marker=".", label=f"batch {label}")

    evidence.plot("batch.png", "loss against images seen, by batch size", fill, xlabel="images seen", ylabel="loss")


def starts(evidence: EvidencePage) -> None:
    """Zeros, Xavier and He."""
    page = evidence.page.heading("How should weights be initialized?")
    runs = [evidence.train(f"--init {init} --epochs 2") for init in ("zeros", "xavier", "he")]
    page.text(
        "With zero weights all hidden units of a layer are equal, and stay equal. With ReLU, every hidden value is 0, "
        "so all gradients of the weights are 0, and only the biases of the output learn how frequent each digit is. "
        "Xavier and He differ only in scale; at this depth both work."
    )
    rows = []
    for r in runs:
        w = r.weights()["0:dense.W"]
        rows.append([f"`{r.command}`", f"{r.steps[0]['loss']:.3f}", str(len(np.unique(w, axis=1).T)), r.accuracy])
    page.table(["command", "first loss", "different units among 128", "accuracy"], rows)
    strict = evidence.train("--init zeros --strict --epochs 1")
    page.text(f"`{strict.command}` stops before the first step with")
    page.code(strict.diagnostic.splitlines())


DEEP = 11  # hidden layers, so that the network is 12 deep


def depth(evidence: EvidencePage) -> None:
    """Sigmoid and ReLU at depth 12, and two other solutions."""
    page = evidence.page.heading("Why did deep networks not learn, and what solved it?")
    page.text(
        "Backpropagation multiplies by the slope of each activation. That of a sigmoid is at most ¼, so at depth 12 "
        "the gradient of the first layer is many orders of magnitude smaller than that of the last one. ReLU has slope "
        "1 for positive inputs; a residual block adds dy to its gradient (examples/residual.py); batchnorm moves the "
        "input of every sigmoid back to the middle, which is steepest."
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
        result = evidence.train(f'{flags} --epochs 2 --lr 0.05 --layers "{layers}"')
        short = f'{front}{unit} (×{count}) dense:10'
        result.command = f'nn train mnist/ {flags} --epochs 2 --lr 0.05 --layers "{short}"'
        runs[name] = result
    rows = []
    for result in runs.values():
        norms = _dense_norms(result)
        rows.append([f"`{result.command}`", f"{norms[0]:.1e}", f"{norms[-1]:.1e}", result.accuracy])
    page.table(["command", "‖gradient‖ of layer 1 at step 1", "of layer 12", "accuracy"], rows)

    def fill(axes: Any) -> None:
        for name, result in runs.items():
            axes.semilogy(range(1, DEEP + 2), _dense_norms(result), marker="o", label=name)

    evidence.plot("depth.png", "gradient norm by layer at the first step", fill, xlabel="layer", ylabel="‖gradient‖")
    strict = evidence.train(f'--strict --init xavier --epochs 1 --layers "{"dense:64 sigmoid " * DEEP}dense:10"')
    page.text("With --strict, the same sigmoid network stops before the first step with")
    page.code(strict.diagnostic.splitlines())


def _dense_norms(result: TrainingResult) -> list[float]:
    """Gradient norms of the dense layers at the first step, without those of batchnorm."""
    norms: list[float] = result.steps[0]["gradient_norms"]
    return norms[::2] if len(norms) > DEEP + 1 else norms


def learning_rates(evidence: EvidencePage) -> None:
    """From 1e-5 to 10."""
    page = evidence.page.heading("Which learning rate?")
    rates = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 0.5, 1, 10)
    runs = [evidence.train(f"--lr {rate:g} --epochs 1 --strict") for rate in rates]
    page.text(
        "A rate that is too low learns too little in the given time, and one that is too high diverges; the useful "
        "range is two orders of magnitude wide. With --strict, a rate that is too high fails a law at the step that "
        "shows it, long before nan."
    )
    rows = [[f"`{r.command}`", r.accuracy, f"{r.steps[-1]['loss']:.3g}" if r.steps else "-", r.law] for r in runs]
    page.table(["command", "accuracy", "last loss", "failed law"], rows)

    def fill(axes: Any) -> None:
        for rate, r in zip(rates, runs, strict=True):
            losses = np.array([s["loss"] for s in r.steps])
            width = max(1, len(losses) // 40)
            smooth = losses[: len(losses) // width * width].reshape(-1, width).mean(axis=1)
            axes.semilogy(np.arange(1, len(smooth) + 1) * width, smooth, marker=".", label=f"{rate:g}")

    evidence.plot("rates.png", "loss over the first epoch, by learning rate", fill, xlabel="step", ylabel="loss")


def seeds(evidence: EvidencePage) -> None:
    """Five seeds of two recipes."""
    page = evidence.page.heading("How reliable is the accuracy of one run?")
    page.text(
        "The seed determines the split, the weights and the order of the images. The table has five seeds of two "
        "recipes, ten epochs each, as mean ± standard deviation. The test set is the same for all five, so its "
        "deviation shows only the effect of the seed. For new data, the sampling of the images adds to it: of n new "
        "images, each classified correctly with probability p, the share of correct ones has a standard deviation of "
        "√(p(1 − p)/n). "
        "This is also why the five validation splits vary more than the test set. A difference of 0.2% between two "
        "single runs is not significant."
    )
    rows, points = [], {}
    for name in ("default", "good"):
        runs = [evidence.train(f"--config examples/{name}.toml --seed {seed}") for seed in range(5)]
        val = [r.epochs[-1]["val_accuracy"] for r in runs]
        test = [r.summary["test_accuracy"] for r in runs]
        points[name] = val, test
        p = float(np.mean(test))
        sampling = f"{np.sqrt(p * (1 - p) / 5000):.2%}, {np.sqrt(p * (1 - p) / 10000):.2%}"
        shown = f"`nn train mnist/ --config examples/{name}.toml --seed 0` to `4`"
        rows.append([shown, mean_sd(val), mean_sd(test), f"{min(test):.2%} to {max(test):.2%}", sampling])
    header = ["command", "validation (5 different splits)", "test set", "lowest to highest", "sd from sampling"]
    page.table(header, rows)

    def fill(axes: Any) -> None:
        for name, (val, test) in points.items():
            axes.plot(np.array(val) * 100, np.array(test) * 100, "o", label=name)

    labels = {"xlabel": "validation accuracy, %", "ylabel": "test accuracy, %"}
    evidence.plot("seeds.png", "five seeds of two recipes", fill, **labels)


QUESTIONS: list[Callable[[EvidencePage], None]] = [
    no_activations,
    batch_sizes,
    starts,
    depth,
    softmax_gradient,
    log_sum_exp,
    offset,
    learning_rates,
    seeds,
    checklist,
    corrections,
]
