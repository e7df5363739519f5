"""The figures of nn/bench/bench.py as a page, and the picture of loss against time.

    page = report(found, picture="benchmarks.png")
    page.plain(), page.markdown()
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nnlaw.nn.core.document import Page

COMMAND = "nn bench DATA --peers --markdown docs/benchmarks.md"


def figures(spread: dict[str, float], unit: str = "", digits: int = 3) -> str:
    """`median (lower quartile to upper quartile)`."""
    median, low, high = (f"{spread[key]:.{digits}g}" for key in ("median", "low", "high"))
    return f"{median}{unit} ({low} to {high})"


def report(found: dict[str, Any], picture: str | None = None) -> Page:
    """The page. `picture` is the path by which the page names the plot."""
    machine, data = found["machine"], found["data"]
    page = Page().heading("Benchmarks", 1)
    page.text(
        "The work: 784-128-64-10, ReLU, softmax cross-entropy, SGD without momentum, batch 32, float32, shuffled each "
        "epoch, one BLAS thread. All run in one process, epoch by epoch in the order A B C A B C; a ratio is taken "
        "within each round. Figures are medians, with the quartiles in brackets."
    )
    counts = f"{data['training_images']:,} training images; {data['rounds']} rounds after a warm-up"
    page.text(f"Data: {data['name']}, {counts}.")
    page.code([f"{key}: {value}" for key, value in machine.items()])
    page.heading("Training")
    rows = []
    for name, row in found["training"].items():
        ratios = [figures(row["epoch_seconds"], " s"), figures(row["times_the_products"]), figures(row["times_nn"])]
        rows.append([name, *ratios, _target(row)])
    page.table(["", "one epoch", "times the bare products", "times nn", "target"], rows)
    page.text(
        "An epoch of nn is what `nn train` does: it draws the batches, steps, and writes a line of metrics.jsonl a "
        "step; under --strict every call and step is judged and the epoch audited. Before training --strict audits "
        f"data and network once: {found['audit_before_training_seconds']:.2g} s. The bare products are the eight "
        "matrix products of each step on the epoch's own batches, unshuffled: the floor of any such network in NumPy."
    )
    page.heading("Error against time")
    rows = []
    for name, row in found["trend"].items():
        last = len(row["loss"]) - 1
        shown = 0, last // 2, last  # of two epochs, halfway is the first
        rows.append([name, *(f"{row['loss'][i]:.3f} after {row['seconds'][i]:.3g} s" for i in shown)])
    page.table(["training loss", "first epoch", "halfway", "last epoch"], rows)
    best = found["trend"]["nn"]["validation_accuracy"]
    page.text(f"Accuracy of nn on validation images after the last epoch: {best[-1]:.2%}.")
    if picture:
        page.picture(picture, "training loss against seconds of training")
    page.heading("Prediction")
    rows = []
    for name, row in found["latency"].items():
        thousand = {key: value / 1000 for key, value in row["1000"].items()}
        rows.append([name, figures(row["1"], " µs"), figures(thousand, " ms")])
    page.table(["", "one picture", "a thousand pictures"], rows)
    page.heading("Start-up, loading, memory")
    rows = [[name, figures(row, " s")] for name, row in found["startup"].items()]
    rows.append(["loading, checking and standardizing the data", f"{found['loading_seconds']:.2g} s"])
    page.table(["", "seconds"], rows)
    rows = [[name, f"{megabytes:,.0f} MB"] for name, megabytes in found["memory"].items()]
    page.table(["a process that does this", "peak memory"], rows)
    page.text(f"Made by `{COMMAND}`.")
    return page


def _target(row: dict[str, Any]) -> str:
    if "target" not in row:
        return ""
    target = row["target"]
    verdict = "held" if target["held"] else "missed"
    return f"{target['word']} {target['times']:g} × {target['of']}: {target['found']:.2f}, {verdict}"


def plot(found: dict[str, Any], path: Path) -> None:
    """Training loss against seconds of training, as a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for name, row in found["trend"].items():
        axes.plot(row["seconds"], row["loss"], marker=".", label=name)
    axes.set(xlabel="seconds of training", ylabel="training loss", yscale="log")
    axes.grid(alpha=0.3, which="both")
    axes.legend()
    figure.savefig(path, format="png", dpi=100)
