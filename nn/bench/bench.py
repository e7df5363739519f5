"""Measure training, prediction, loading, start-up and memory, side by side in one process.

    results = bench(Path("mnist/"), rounds=15, progress=progress)     a dict; nn/bench/report.py makes a page of it

Epochs run in the order A B C A B C ...; ratios are taken within each round, so that a slow moment of the machine slows
both sides, and are given as median and quartiles over the rounds. The first round is a warm-up.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info

from nnlaw.nn.bench.implementations import MODES, WIDTHS, Implementation, MatrixProducts, OurNetwork
from nnlaw.nn.data.idx import write_idx
from nnlaw.nn.data.load import dataset_name
from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import BadInput

ROUNDS = 15
TARGETS = {  # by implementation: at most how many times as long as which other one
    "nn": (1.35, MatrixProducts.name),
    MODES["calls"]: (1.10, "nn"),
    MODES["strict"]: (1.15, "nn"),
}
SESSION = "import nnlaw.nn.training.session"
STARTUP = {"nn --help": "from nnlaw.cli.main import run; run(['--help'])", SESSION: SESSION}
Progress = Callable[[Sequence[int], str], Iterator[int]]  # yields the numbers, and shows how many are done of what
Epochs = dict[str, list[tuple[float, float]]]  # by implementation: seconds and loss of each epoch


def bench(
    data: Path | None,
    *,
    rounds: int,
    progress: Progress,
    others: Callable[[Array, Array], Sequence[Implementation]] = lambda x, labels: (),
) -> dict[str, Any]:
    """All measurements. `data` has the sizes of MNIST; without it, random images are used.

    `others` makes further implementations from training inputs and labels.
    Raises BadInput if the data cannot be read or has other sizes.
    """
    if rounds < 2:
        raise BadInput(f"rounds = {rounds}, expected at least 2, because the first one is a warm-up")
    with tempfile.TemporaryDirectory(prefix="nn-bench-") as temporary:
        folder = Path(temporary)
        if data is None:
            source, name = folder / "data", "random pictures of MNIST's size"
            write_random_images(source)
        else:
            source, name = data, dataset_name(data)
        ours = [OurNetwork(source, rounds, folder / (mode or "plain"), mode) for mode in MODES]
        split = ours[0].session.split
        sizes = split.x_train.shape[1], len(ours[0].session.dataset.classes)
        if sizes != (WIDTHS[0], WIDTHS[-1]):
            found = f"images of {sizes[0]} pixels in {sizes[1]} classes"
            raise BadInput(f"bench: {data}: {found}, expected {WIDTHS[0]} pixels in {WIDTHS[-1]} classes, as in MNIST")
        for network in ours[1:]:
            network.session.split = split  # share one copy of the data
        implementations: list[Implementation] = [MatrixProducts(split.x_train), *ours]
        implementations += others(split.x_train, split.y_train)
        epochs = alternate(implementations, rounds, progress)
        return {
            "machine": machine(),
            "data": {"name": name, "training_images": len(split.x_train), "rounds": rounds - 1},
            "training": training(epochs),
            "trend": loss_curves(epochs) | {"nn": loss_curves(epochs)["nn"] | validation(ours[0])},
            "audit_before_training_seconds": ours[-1].audited,
            "loading_seconds": ours[0].loading,
            "latency": latency(implementations, split.x_test, progress),
            "startup": startup(STARTUP, progress),
            "memory": memory(source, folder, progress),
        }


def median_and_quartiles(values: Array | Sequence[float]) -> dict[str, float]:
    """The 25th, 50th and 75th percentile as low, median and high."""
    low, median, high = np.percentile(values, [25, 50, 75])
    return {"median": float(median), "low": float(low), "high": float(high)}


def alternate(implementations: Sequence[Implementation], rounds: int, progress: Progress) -> Epochs:
    """Run the epochs in the order A B C A B C."""
    epochs: Epochs = {implementation.name: [] for implementation in implementations}
    for _ in progress(range(rounds), "epochs, side by side"):
        for implementation in implementations:
            epochs[implementation.name].append(implementation.epoch())
    return epochs


def training(epochs: Epochs) -> dict[str, Any]:
    """Seconds per epoch, and ratios within each round, without the first one."""
    seconds = {name: np.array([epoch[0] for epoch in rows[1:]]) for name, rows in epochs.items()}
    results: dict[str, Any] = {}
    for name, times in seconds.items():
        results[name] = {
            "epoch_seconds": median_and_quartiles(times),
            "times_the_products": median_and_quartiles(times / seconds[MatrixProducts.name]),
            "times_nn": median_and_quartiles(times / seconds["nn"]),
        }
        if name in TARGETS:
            limit, base = TARGETS[name]
            ratio = median_and_quartiles(times / seconds[base])["median"]
            results[name]["target"] = target("at most", limit, base, ratio)
    return results


def target(word: str, limit: float, base: str, ratio: float) -> dict[str, Any]:
    """A target, "at most" or "at least" `limit` times as long as `base`, and whether the ratio meets it."""
    met = ratio <= limit if word == "at most" else ratio >= limit
    return {"word": word, "times": limit, "of": base, "found": ratio, "held": met}


def loss_curves(epochs: Epochs) -> dict[str, Any]:
    """Mean training loss of each epoch, and the seconds of training until its end."""
    return {
        name: {"seconds": np.cumsum([epoch[0] for epoch in rows]).tolist(), "loss": [epoch[1] for epoch in rows]}
        for name, rows in epochs.items()
        if np.isfinite(rows[0][1])
    }


def validation(network: OurNetwork) -> dict[str, Any]:
    """Validation accuracy after each epoch."""
    return {"validation_accuracy": [row.get("val_accuracy", row["train_accuracy"]) for row in network.session.epochs]}


def latency(implementations: Sequence[Implementation], x: Array, progress: Progress) -> dict[str, Any]:
    """Microseconds to predict one image, and a thousand images, side by side."""
    results: dict[str, Any] = {implementation.name: {} for implementation in implementations}
    for count, repetitions in ((1, 300), (1000, 15)):
        rows = np.ascontiguousarray(x[:count])
        seconds: dict[str, list[float]] = {implementation.name: [] for implementation in implementations}
        for _ in progress(range(repetitions), f"predicting {count:,}"):
            for implementation in implementations:
                start = time.perf_counter()
                implementation.predict(rows)
                seconds[implementation.name].append(time.perf_counter() - start)
        for name, times in seconds.items():
            results[name][str(count)] = median_and_quartiles(np.array(times[repetitions // 10 :]) * 1e6)
    return results


def startup(lines: dict[str, str], progress: Progress) -> dict[str, Any]:
    """Seconds that a Python process needs for each of these lines, start included."""
    seconds: dict[str, list[float]] = {name: [] for name in lines}
    for _ in progress(range(3), "starting"):
        for name, line in lines.items():
            seconds[name].append(run_python(line)[0])
    return {name: median_and_quartiles(times) for name, times in seconds.items()}


def memory(source: Path, folder: Path, progress: Progress) -> dict[str, Any]:
    """Peak megabytes of a process that loads the data, that trains one epoch, and that trains with --strict."""
    prepare = SESSION + " as s; from nnlaw.nn.core.settings import Settings; s.prepare(Settings(data={!r}))"
    run = "from nnlaw.cli.main import run; "
    train = run + "assert run(['train', {!r}, '--epochs', '1', '--json', '--run', {!r}{}]) == 0"
    lines = {
        SESSION: SESSION,
        "loading": prepare.format(str(source)),
        "nn": train.format(str(source), str(folder / "memory"), ""),
        "nn --strict": train.format(str(source), str(folder / "memory-strict"), ", '--strict'"),
    }
    names = list(lines)
    report = "\nimport sys; from nnlaw.nn.core.peak_memory import peak; sys.stderr.write(f' {peak()}')"
    measured = progress(range(len(names)), "measuring memory")
    return {names[i]: _last_number(run_python(lines[names[i]] + report)[1]) for i in measured}


def _last_number(text: str) -> float:
    return float(text.split()[-1])


def run_python(code: str) -> tuple[float, str]:
    """Run code in a new process; return its seconds and what it wrote to stderr. Raises BadInput if it fails."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    seconds = time.perf_counter() - start
    text = " ".join(done.stderr.decode(errors="replace").split())
    if done.returncode:
        raise BadInput(f"bench: a measured process failed, expected exit code 0: {text[-300:]}")
    return seconds, text


def machine() -> dict[str, Any]:
    """Versions, processor, BLAS and its threads."""
    blas: Any = np.show_config(mode="dicts")
    library = blas["Build Dependencies"]["blas"] if blas else {}
    pools = sorted({f"{p['internal_api']} {p['version']}: {p['num_threads']}" for p in threadpool_info()})
    return {
        "python": platform.python_version(),
        "processor": processor(),
        "numpy": np.__version__,
        "blas": f"{library.get('name')} {library.get('version')}",
        "threads": ", ".join(pools) or os.environ.get("OPENBLAS_NUM_THREADS", "default"),
    }


def processor() -> str:
    """The model name of the processor, if the system has it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def write_random_images(folder: Path) -> None:
    """60,000 + 10,000 images of 28×28: one of ten random patterns plus noise."""
    rng = np.random.default_rng(0)
    patterns = rng.integers(0, 120, (10, 28, 28), dtype=np.uint8)
    folder.mkdir()
    for stem, count in (("train", 60_000), ("t10k", 10_000)):
        labels = rng.integers(0, 10, count, dtype=np.uint8)
        images = patterns[labels] + rng.integers(0, 136, (count, 28, 28), dtype=np.uint8)
        write_idx(folder / f"{stem}-images-idx3-ubyte", images)
        write_idx(folder / f"{stem}-labels-idx1-ubyte", labels)
