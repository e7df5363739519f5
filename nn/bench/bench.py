"""The benchmark: training, prediction, loading, start-up and memory, side by side in one process.

    found = bench(data, peers=True)          a plain dict of figures, told by nn/bench/report.py

Epochs are run in the order A B C A B C ...; a ratio is taken within each round, so that what slows the machine for a
while slows both of its sides, and is given as median and quartiles over the rounds. The first round only warms up.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from nnlaw.nn.bench.baselines import OWN, WIDTHS, Contestant, Floor, Own
from nnlaw.nn.bench.other_libraries import PEERS, peers
from nnlaw.nn.data.idx import write_idx
from nnlaw.nn.data.load import dataset_name
from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import BadInput

ROUNDS = 15
TARGETS = {  # what is run: (at most or at least, how many times what)
    "nn": ("at most", 1.35, "bare products"),
    OWN["calls"]: ("at most", 1.10, "nn"),
    OWN["strict"]: ("at most", 1.15, "nn"),
    PEERS["torch"]: ("at least", 1.7, "nn"),
    PEERS["sklearn"]: ("at least", 2.0, "nn"),
}
Track = Callable[[Sequence[int], str], Iterator[int]]


def spread(values: Any) -> dict[str, float]:
    """Median and quartiles."""
    low, middle, high = np.percentile(values, [25, 50, 75])
    return {"median": float(middle), "low": float(low), "high": float(high)}


def bench(data: Path | None, *, with_peers: bool, rounds: int, track: Track) -> dict[str, Any]:
    """All figures. `data` is a folder of MNIST files; without one, random pictures of that size. Leaves nothing behind.

    Raises BadInput where the data cannot be read, or is not of MNIST's sizes.
    """
    if rounds < 2:
        raise BadInput(f"rounds = {rounds}, expected at least 2: the first one only warms up")
    with tempfile.TemporaryDirectory(prefix="nn-bench-") as place:
        folder = Path(place)
        if data is None:
            source, name = folder / "data", "random pictures of MNIST's size"
            random_pictures(source)
        else:
            source, name = data, dataset_name(data)
        own = [Own(source, rounds, folder / (laws or "plain"), laws) for laws in OWN]
        x, labels = own[0].session.split.x_train, own[0].session.split.y_train
        found = x.shape[1], len(own[0].session.dataset.classes)
        if found != (WIDTHS[0], WIDTHS[-1]):
            sizes = f"pictures of {found[0]} pixels in {found[1]} classes, expected {WIDTHS[0]} pixels in {WIDTHS[-1]}"
            raise BadInput(f"bench: {data}: {sizes}, as in MNIST: all contestants have its layers")
        for other in own[1:]:
            other.session.split = own[0].session.split  # one copy of the data in memory for all
        field: list[Contestant] = [Floor(x), *own, *(peers(x, labels) if with_peers else [])]
        laps = race(field, rounds, track)
        return {
            "machine": machine(),
            "data": {"name": name, "training_images": len(x), "rounds": rounds - 1},
            "training": training(laps),
            "trend": trend(laps) | {"nn": trend(laps)["nn"] | validation(own[0])},
            "audit_before_training_seconds": own[-1].audited,
            "loading_seconds": own[0].loading,
            "latency": latency(field, own[0].session.split.x_test, track),
            "startup": startup(with_peers, track),
            "memory": memory(source, folder, track),
        }


def race(field: list[Contestant], rounds: int, track: Track) -> dict[str, list[tuple[float, float]]]:
    """(seconds, loss) of each epoch of each contestant, in the order A B C A B C."""
    laps: dict[str, list[tuple[float, float]]] = {one.name: [] for one in field}
    for _ in track(range(rounds), "epochs, side by side"):
        for one in field:
            laps[one.name].append(one.epoch())
    return laps


def training(laps: dict[str, list[tuple[float, float]]]) -> dict[str, Any]:
    """Seconds an epoch, and ratios within each round, without the first one."""
    seconds = {name: np.array([lap[0] for lap in own[1:]]) for name, own in laps.items()}
    found: dict[str, Any] = {}
    for name, own in seconds.items():
        found[name] = {
            "epoch_seconds": spread(own),
            "times_the_products": spread(own / seconds[Floor.name]),
            "times_nn": spread(own / seconds["nn"]),
        }
        if name in TARGETS:
            word, wanted, base = TARGETS[name]
            ratio = spread(own / seconds[base])["median"]
            held = ratio <= wanted if word == "at most" else ratio >= wanted
            found[name]["target"] = {"word": word, "times": wanted, "of": base, "found": ratio, "held": held}
    return found


def trend(laps: dict[str, list[tuple[float, float]]]) -> dict[str, Any]:
    """Mean training loss of each epoch against the seconds spent in training until then."""
    return {
        name: {"seconds": np.cumsum([lap[0] for lap in own]).tolist(), "loss": [lap[1] for lap in own]}
        for name, own in laps.items()
        if np.isfinite(own[0][1])
    }


def validation(own: Own) -> dict[str, Any]:
    """The validation accuracy after each epoch."""
    return {"validation_accuracy": [row.get("val_accuracy", row["train_accuracy"]) for row in own.session.epochs]}


def latency(field: list[Contestant], x: Array, track: Track) -> dict[str, Any]:
    """Microseconds to predict one picture, and a thousand, side by side."""
    found: dict[str, Any] = {one.name: {} for one in field}
    for count, times in ((1, 300), (1000, 15)):
        rows = np.ascontiguousarray(x[:count])
        seconds: dict[str, list[float]] = {one.name: [] for one in field}
        for _ in track(range(times), f"predicting {count:,}"):
            for one in field:
                begun = time.perf_counter()
                one.predict(rows)
                seconds[one.name].append(time.perf_counter() - begun)
        for name, own in seconds.items():
            found[name][str(count)] = spread(np.array(own[times // 10 :]) * 1e6)
    return found


def startup(with_peers: bool, track: Track) -> dict[str, Any]:
    """Seconds from nothing to ready, in a process of its own."""
    session = "import nnlaw.nn.training.session"
    lines = {"nn --help": "from nnlaw.cli.main import run; run(['--help'])", session: session}
    if with_peers:
        modules = {"torch": "torch", "sklearn": "sklearn.neural_network"}
        lines |= {f"import {name}": f"import {name}" for module, name in modules.items() if find_spec(module)}
    seconds: dict[str, list[float]] = {name: [] for name in lines}
    for _ in track(range(3), "starting"):
        for name, line in lines.items():
            seconds[name].append(child(line)[0])
    return {name: spread(own) for name, own in seconds.items()}


def memory(source: Path, folder: Path, track: Track) -> dict[str, Any]:
    """Peak megabytes of a process that loads the data, of one that trains an epoch as well, and of a strict one."""
    session = "import nnlaw.nn.training.session"
    prepare = session + " as s; from nnlaw.nn.core.settings import Settings; s.prepare(Settings(data={!r}))"
    run = "from nnlaw.cli.main import run; "
    train = run + "assert run(['train', {!r}, '--epochs', '1', '--json', '--run', {!r}{}]) == 0"
    lines = {
        session: session,
        "loading": prepare.format(str(source)),
        "nn": train.format(str(source), str(folder / "memory"), ""),
        "nn --strict": train.format(str(source), str(folder / "memory-strict"), ", '--strict'"),
    }
    names = list(lines)
    tell = "\nimport sys; from nnlaw.nn.core.peak_memory import peak; sys.stderr.write(f' {peak()}')"
    return {names[i]: _last(child(lines[names[i]] + tell)[1]) for i in track(range(len(names)), "measuring memory")}


def _last(said: str) -> float:
    return float(said.split()[-1])


def child(code: str) -> tuple[float, str]:
    """Seconds of a Python process of its own, and what it wrote to stderr. Raises BadInput where it fails."""
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    seconds = time.perf_counter() - begun
    said = done.stderr.decode(errors="replace").split()
    if done.returncode:
        raise BadInput(f"bench: a measured process failed: {' '.join(said)[-300:]}")
    return seconds, " ".join(said)


def machine() -> dict[str, Any]:
    """What measured: versions, BLAS and its threads."""
    blas: Any = np.show_config(mode="dicts")
    library = blas["Build Dependencies"]["blas"] if blas else {}
    found = {
        "python": platform.python_version(),
        "processor": processor(),
        "numpy": np.__version__,
        "blas": f"{library.get('name')} {library.get('version')}",
        "threads": os.environ.get("OPENBLAS_NUM_THREADS", "default"),
    }
    for name in ("torch", "scikit-learn"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    if find_spec("threadpoolctl"):
        pools = import_module("threadpoolctl").threadpool_info()
        found["threads"] = ", ".join(sorted({f"{p['internal_api']} {p['version']}: {p['num_threads']}" for p in pools}))
    return found


def processor() -> str:
    """The processor's own name, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def random_pictures(folder: Path) -> None:
    """60,000 + 10,000 pictures of 28×28: one of ten random patterns each, and noise. Learnable, and nothing more."""
    rng = np.random.default_rng(0)
    patterns = rng.integers(0, 120, (10, 28, 28), dtype=np.uint8)
    folder.mkdir()
    for stem, count in (("train", 60_000), ("t10k", 10_000)):
        labels = rng.integers(0, 10, count, dtype=np.uint8)
        images = patterns[labels] + rng.integers(0, 136, (count, 28, 28), dtype=np.uint8)
        write_idx(folder / f"{stem}-images-idx3-ubyte", images)
        write_idx(folder / f"{stem}-labels-idx1-ubyte", labels)
