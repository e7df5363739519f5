"""The results of nn/bench/bench.py as a page, and a plot of loss against time.

    page = report(results, command="nn bench", image="benchmarks.png")
    page.markdown()
"""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

from nnlaw.nn.core.markdown_page import MarkdownPage


def range_text(values: dict[str, float], unit: str = "", digits: int = 3) -> str:
    """`median (lower quartile to upper quartile)`."""
    median, low, high = (f"{values[key]:.{digits}g}" for key in ("median", "low", "high"))
    return f"{median}{unit} ({low} to {high})"


def report(results: dict[str, Any], command: str, image: str | None = None) -> MarkdownPage:
    """The page. `command` is the command line that made it, `image` the path of the plot."""
    machine, data = results["machine"], results["data"]
    page = MarkdownPage().heading("Benchmarks", 1)
    page.text(
        "The work: 784-128-64-10, ReLU, softmax cross-entropy, SGD without momentum, batch 32, float32, shuffled each "
        "epoch, one BLAS thread. All implementations run in one process, epoch by epoch in the order A B C A B C; "
        "ratios are taken within each round. Numbers are medians, with the quartiles in parentheses."
    )
    counts = f"{data['training_images']:,} training images; {data['rounds']} rounds after a warm-up"
    page.text(f"Data: {data['name']}, {counts}.")
    page.code([f"{key}: {value}" for key, value in machine.items()])
    page.heading("Training")
    rows = []
    for name, row in results["training"].items():
        ratios = [range_text(row[key]) for key in ("times_the_products", "times_nn")]
        rows.append([name, range_text(row["epoch_seconds"], " s"), *ratios, _target(row)])
    page.table(["", "one epoch", "times the bare products", "times nn", "target"], rows)
    page.text(
        "An epoch of nn is what `nn train` does: draw the batches, take the steps, and write a line of metrics.jsonl "
        "per step; with --strict, check every call and every step, and audit the epoch. Before training, --strict "
        f"audits data and network once: {results['audit_before_training_seconds']:.2g} s. The bare products are the "
        "eight matrix products of each step on the same batches, without shuffling: a lower bound for any such network "
        "in NumPy."
    )
    page.heading("Loss against time")
    rows = []
    for name, row in results["trend"].items():
        last = len(row["loss"]) - 1
        shown = 0, last // 2, last
        rows.append([name, *(f"{row['loss'][i]:.3f} after {row['seconds'][i]:.3g} s" for i in shown)])
    page.table(["training loss", "first epoch", "halfway", "last epoch"], rows)
    accuracy = results["trend"]["nn"]["validation_accuracy"][-1]
    page.text(f"Accuracy of nn on validation images after the last epoch: {accuracy:.2%}.")
    if image:
        page.image(image, "training loss against seconds of training")
    page.heading("Prediction")
    rows = []
    for name, row in results["latency"].items():
        thousand = {key: value / 1000 for key, value in row["1000"].items()}
        rows.append([name, range_text(row["1"], " µs"), range_text(thousand, " ms")])
    page.table(["", "one image", "a thousand images"], rows)
    page.heading("Start-up, loading, memory")
    rows = [[name, range_text(row, " s")] for name, row in results["startup"].items()]
    rows.append(["loading, checking and standardizing the data", f"{results['loading_seconds']:.2g} s"])
    page.table(["", "seconds"], rows)
    rows = [[name, f"{megabytes:,.0f} MB"] for name, megabytes in results["memory"].items()]
    page.table(["process", "peak memory"], rows)
    page.text(f"Made by `{command}`.")
    return page


def _target(row: dict[str, Any]) -> str:
    if "target" not in row:
        return ""
    target = row["target"]
    result = "met" if target["held"] else "missed"
    return f"{target['word']} {target['times']:g} × {target['of']}: {target['found']:.2f}, {result}"


def plot(results: dict[str, Any], path: Path | IO[bytes]) -> None:
    """Plot training loss against seconds of training, as a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for name, row in results["trend"].items():
        axes.plot(row["seconds"], row["loss"], marker=".", label=name)
    axes.set(xlabel="seconds of training", ylabel="training loss", yscale="log")
    axes.grid(alpha=0.3, which="both")
    axes.legend()
    figure.savefig(path, format="png", dpi=100)
