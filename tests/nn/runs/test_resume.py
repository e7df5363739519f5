"""Resuming a training that was stopped, killed or ran out of disk space."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnlaw.nn.builtin  # noqa: F401  # registers what is built in
from nnlaw.cli.main import run as cli
from nnlaw.nn.core.reporter import SilentReporter
from nnlaw.nn.core.settings import Settings
from nnlaw.nn.plugins.registry import REGISTRY
from nnlaw.nn.run_folder.array_files import read_arrays
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.tree_file import pack, unpack
from nnlaw.nn.runs.resume import resume
from nnlaw.nn.training.session import prepare
from nnlaw.spec.violation import BadInput

pytestmark = pytest.mark.usefixtures("hasty")
ALL = "dense:12 batchnorm relu dropout:0.2 dense:10"


def names(kind: str) -> list[str]:
    """The built-in plugins of a kind."""
    return [plugin.name for plugin in REGISTRY.plugins.values() if plugin.kind == kind and plugin.built_in]


def in_two_parts(settings: Settings, folder: Path, stop: int = 1) -> tuple[Run, Run]:
    """The same training once without a stop, and once stopped and resumed."""
    one, two = Run.create(folder / "one"), Run.create(folder / "two")
    assert prepare(settings).train(one, SilentReporter()) is not None
    assert prepare(settings).train(two, SilentReporter(), stop) is None
    assert resume(two, {}).train(two, SilentReporter()) is not None
    return one, two


def assert_same(one: Path, two: Path) -> None:
    """Two run folders have the same content bit for bit, except for times."""
    for name in ("weights.safetensors", "best.safetensors", "corpus.safetensors", "split.npz"):
        assert (one / name).read_bytes() == (two / name).read_bytes(), name
    rows = [
        [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in (p / "metrics.jsonl").open()]
        for p in (one, two)
    ]
    assert rows[0] == rows[1]
    trees = [unpack(folder / "checkpoint.safetensors")["trainer"] for folder in (one, two)]
    assert pack(trees[0]) == pack(trees[1])
    summaries = [json.loads((folder / "summary.json").read_text()) for folder in (one, two)]
    for name in ("test_accuracy", "confusion", "digests", "judged", "best_epoch"):
        assert summaries[0][name] == summaries[1][name], name


@pytest.mark.slow
@pytest.mark.parametrize("schedule", names("schedule"))
@pytest.mark.parametrize("optimizer", names("optimizer"))
def test_every_optimizer_and_schedule_resumes_bit_for_bit(
    tiny_folder: Path, tmp_path: Path, optimizer: str, schedule: str
) -> None:
    """With batch normalization and dropout."""
    settings = Settings(
        data=str(tiny_folder), epochs=2, batch_size=128, layers=ALL, optimizer=optimizer, schedule=schedule
    )
    one, two = in_two_parts(settings, tmp_path)
    assert_same(one.folder, two.folder)


@pytest.mark.slow
def test_a_strict_training_resumes_bit_for_bit(tiny_folder: Path, tmp_path: Path) -> None:
    """Checks are counted across the stop; those of the data are repeated on resume."""
    settings = Settings(
        data=str(tiny_folder), strict=True, epochs=3, batch_size=64, layers=ALL, optimizer="adam", clip_norm=1.0
    )
    one, two = in_two_parts(settings, tmp_path, stop=2)
    counts = [json.loads((run.folder / "summary.json").read_text())["judged"] for run in (one, two)]
    assert counts[0]["loss-trend"] == counts[1]["loss-trend"]
    for run in (one, two):
        summary = json.loads((run.folder / "summary.json").read_text())
        (run.folder / "summary.json").write_text(json.dumps(summary | {"judged": {}}))
    trees = [unpack(run.folder / "checkpoint.safetensors")["trainer"] for run in (one, two)]
    assert trees[0]["progress"]["smooth"] == trees[1]["progress"]["smooth"] != 0
    assert_same(one.folder, two.folder)


PLUGIN = '''
import numpy as np

from nn import layer, model, optimizer
from spec import obeys


@layer("jitter")
@obeys("N n -> N n")
class Jitter:
    """Noise from a method of the generator, kept in a dict; a running mean in float64 state."""

    def build(self, shape, rng):
        self.tool = {"noise": rng.standard_normal}
        self.state = {"mean": np.zeros(shape)}

    def forward(self, x):
        if self.training:
            self.state["mean"] = 0.9 * self.state["mean"] + 0.1 * x.mean(axis=0).astype(np.float64)
            self.state["largest"] = np.abs(x).max(axis=0)
            return x + (0.01 * self.tool["noise"](x.shape)).astype(x.dtype)
        return x

    def backward(self, dy):
        return dy


@optimizer("odd")
class Odd:
    """State of every kind: arrays of two precisions, a whole number, a NumPy number, a flag, arrays in a list."""

    def __init__(self):
        self.state = {"t": 0, "big": 2**70, "warm": False, "scale": np.float32(1), "empty": None}

    def step(self, w, g, lr):
        state = self.state
        state["t"] += 1
        state["scale"] *= np.float32(0.999)
        state["v"] = 0.9 * state.get("v", np.zeros(len(w))) + g
        state["past"] = [*state.get("past", []), g[:3].copy()][-2:]
        state["warm"] = state["t"] > 3
        w -= (lr * state["scale"] * state["v"]).astype(w.dtype)


@model("noisy")
class Noisy:
    """A whole model that keeps its generator."""

    def __init__(self, n_in, n_out, rng):
        self.rng = rng
        self.params = {"W": rng.normal(0, 0.01, (n_in, n_out)).astype(np.float32)}

    def predict(self, x):
        z = x @ self.params["W"]
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def loss_and_grads(self, x, labels):
        kept = x * (self.rng.random(x.shape) > 0.1).astype(x.dtype)
        p, rows = self.predict(kept), np.arange(len(x))
        value = -float(np.log(np.maximum(p[rows, labels], 1e-30)).mean())
        p[rows, labels] -= 1
        return value, {"W": kept.T @ p / np.float32(len(x))}
'''


@pytest.mark.parametrize(
    "more",
    [
        {"layers": "dense:12 jitter relu jitter dense:10"},
        {"optimizer": "odd"},
        {"model": "noisy"},
    ],
    ids=["layer", "optimizer", "model"],
)
def test_a_users_plugin_resumes_bit_for_bit(tiny_folder: Path, tmp_path: Path, more: dict[str, str]) -> None:
    """State of any number type and generators in any attribute are saved; the run has a copy of the source."""
    file = tmp_path / "mine.py"
    file.write_text(PLUGIN)
    settings = Settings(data=str(tiny_folder), epochs=3, batch_size=128, plugins=(str(file),), **more)  # type: ignore[arg-type]  # settings of several types
    one, two = Run.create(tmp_path / "one"), Run.create(tmp_path / "two")
    assert prepare(settings).train(one, SilentReporter()) is not None
    assert prepare(settings).train(two, SilentReporter(), 1) is None
    file.unlink()
    assert resume(two, {}).train(two, SilentReporter(), 2) is None
    assert resume(two, {}).train(two, SilentReporter()) is not None
    assert_same(one.folder, two.folder)


def test_state_that_cannot_be_saved_is_refused_in_one_sentence(tiny_folder: Path, tmp_path: Path) -> None:
    """Optimizer state other than arrays and numbers is refused by name at the first checkpoint that has it."""
    session = prepare(Settings(data=str(tiny_folder), epochs=1, batch_size=256))
    session.trainer.optimizer.state["odd"] = {1, 2}
    with pytest.raises(BadInput, match="trainer/optimizer/odd is a set, expected arrays and numbers"):
        session.train(Run.create(tmp_path / "r"), SilentReporter())
    session.trainer.optimizer.state["odd"] = np.array([None])
    with pytest.raises(BadInput, match="expected arrays of plain numbers"):
        session.train(Run.create(tmp_path / "s"), SilentReporter())


@pytest.fixture
def stopped(tiny_folder: Path, workplace: Path) -> Path:
    """A run that stopped after the first of three epochs."""
    common = ["--layers", "dense:12 relu dense:10", "--batch-size", "128", "--seed", "4", "--json"]
    assert cli(["train", str(tiny_folder), "--epochs", "3", "--stop-after", "1", *common, "--run", "r"]) == 0
    return workplace / "r"


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--lr", "0.5"], "--lr 0.5: the run has 0.01"),
        (["--batch-size", "7"], "--batch-size 7"),
        (["--strict"], "--strict True"),
        (["--plugin", "a.py"], "--plugin a.py: the run has no plugin"),
        (["--config", "r/config.toml"], "--config"),
        (["--run", "other"], "--run"),
        (["--stop-after", "1"], "is already after epoch 1"),
    ],
)
def test_resume_refuses_other_settings(
    stopped: Path, capsys: pytest.CaptureFixture[str], flags: list[str], words: str
) -> None:
    """In one sentence, with exit code 2; the run is unchanged."""
    before = {p.name: p.read_bytes() for p in stopped.iterdir() if p.is_file()}
    capsys.readouterr()
    assert cli(["train", "--resume", "r", *flags]) == 2
    err = capsys.readouterr().err
    assert words in err and len(err.strip().splitlines()) == 1
    assert {p.name: p.read_bytes() for p in stopped.iterdir() if p.is_file()} == before


def test_resume_accepts_the_recorded_settings(stopped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same command line with --resume continues; it prints after which epoch."""
    capsys.readouterr()
    assert cli(["train", "--resume", "r", "--seed", "4", "--epochs", "3"]) == 0
    out = capsys.readouterr().out
    assert "Resuming r after epoch 1 of 3" in out and "Epoch 2/3" in out and "Epoch 1/3" not in out
    assert json.loads((stopped / "record.json").read_text())["resumed"][0]["after_epoch"] == 1
    assert cli(["train", "--resume", "r"]) == 2
    assert "finished after 3 epochs" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("lost", [("curves.png", "mistakes.png"), ("mistakes.png",)])
def test_a_run_killed_before_its_pictures_is_completed(stopped: Path, lost: tuple[str, ...]) -> None:
    """It is evaluated again, with the same weights and metrics, and the pictures are written."""
    assert cli(["train", "--resume", "r", "--json"]) == 0
    before = [(stopped / name).read_bytes() for name in ("summary.json", "weights.safetensors")]
    for name in lost:
        (stopped / name).unlink()
    assert cli(["train", "--resume", "r", "--json"]) == 0
    assert all((stopped / name).is_file() for name in lost)
    assert [(stopped / name).read_bytes() for name in ("summary.json", "weights.safetensors")] == before


@pytest.mark.slow
def test_a_constant_schedule_can_be_extended(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--epochs 1, then 3 on resume, equals --epochs 3; other schedules, and fewer epochs than done, are refused."""
    common = ["train", str(tiny_folder), "--layers", ALL, "--batch-size", "128", "--optimizer", "adam"]
    assert cli([*common, "--epochs", "3", "--run", "one", "--json"]) == 0
    assert cli([*common, "--epochs", "2", "--run", "two", "--json"]) == 0
    assert cli(["train", "--resume", "two", "--epochs", "3", "--json"]) == 0
    assert_same(workplace / "one", workplace / "two")
    assert "epochs = 3" in (workplace / "two/config.toml").read_text()
    assert cli(["train", "--resume", "two", "--epochs", "1"]) == 2
    assert "is already after epoch 3" in capsys.readouterr().err
    assert cli([*common, "--epochs", "2", "--schedule", "cosine", "--stop-after", "1", "--run", "c", "--json"]) == 0
    assert cli(["train", "--resume", "c", "--epochs", "3"]) == 2
    assert "schedule 'cosine' is planned for 2 epochs" in capsys.readouterr().err


def test_moved_data_must_be_given(
    stopped: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """For example if a relative path was recorded in another folder."""
    config = (stopped / "config.toml").read_text(encoding="utf-8")
    for name in ("../gone", 100 * "far"):  # the second is too long for a file
        (stopped / "config.toml").write_text(re.sub("data = .*", f'data = "{name}"', config), encoding="utf-8")
        assert cli(["train", "--resume", "r"]) == 2
        assert f"the data has moved from {name}; give its path as DATA" in capsys.readouterr().err


def test_other_data_are_refused(stopped: Path, workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The data can be in another folder, but must be the same bytes with the same split."""
    from nnlaw.nn.data.idx import write_idx
    from nnlaw.nn.data.synthetic.digits import generate_digits

    other = workplace / "other"
    other.mkdir()
    data = generate_digits(seed=9, train=600, test=100)
    write_idx(other / "train-images-idx3-ubyte", data.train_images)
    write_idx(other / "train-labels-idx1-ubyte", data.train_labels)
    write_idx(other / "t10k-images-idx3-ubyte", data.test_images)
    write_idx(other / "t10k-labels-idx1-ubyte", data.test_labels)
    assert cli(["train", str(other), "--resume", "r"]) == 2
    assert "train_images of" in capsys.readouterr().err
    record = json.loads((stopped / "record.json").read_text())
    record["digests"]["split"] = "0"
    (stopped / "record.json").write_text(json.dumps(record))
    assert cli(["train", "--resume", "r"]) == 2
    assert "the split into training and validation differs from the run's" in capsys.readouterr().err


def without(stored: dict[str, Any]) -> dict[str, Any]:
    """A split without the validation rows."""
    return {name: array for name, array in stored.items() if name != "validation"}


def exchanged(stored: dict[str, Any]) -> dict[str, Any]:
    """A split with two training rows exchanged."""
    return stored | {"train": np.r_[stored["train"][1::-1], stored["train"][2:]]}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (without, "split.npz: validation is missing, expected the split of a run"),
        (exchanged, "split.npz: its train rows differ from the run's"),
        (None, "split.npz: no such file, expected the split of a run"),
    ],
)
def test_a_missing_or_changed_split_is_refused(
    stopped: Path, capsys: pytest.CaptureFixture[str], change: Callable[[Any], Any] | None, sentence: str
) -> None:
    """A run does not resume if split.npz is missing or has other rows."""
    file = stopped / "split.npz"
    stored = dict(np.load(file))
    file.unlink()
    if change is not None:
        np.savez_compressed(file, **change(stored))
    assert cli(["train", "--resume", "r"]) == 2
    assert sentence in capsys.readouterr().err


def damaged(stopped: Path) -> list[tuple[str, bytes, str]]:
    """A damaged file of a run, and part of the message."""
    whole = (stopped / "checkpoint.safetensors").read_bytes()
    tree = unpack(stopped / "checkpoint.safetensors")
    small = tree | {"trainer": tree["trainer"] | {"w": np.zeros(3, np.float32)}}
    odd = tree | {"trainer": {"w": 1}}
    record = (stopped / "record.json").read_bytes()
    return [
        ("checkpoint.safetensors", whole[:-100], "safetensors"),
        ("checkpoint.safetensors", b"\xff" * 200, "nn packed"),
        ("checkpoint.safetensors", pack([1]), "not a checkpoint"),
        ("checkpoint.safetensors", pack(small), "does not fit the settings of the run: 3 weights, expected"),
        ("checkpoint.safetensors", pack(odd), "does not fit"),
        ("checkpoint.safetensors", whole.replace(b"$array", b"$scary"), "damaged: its tree"),
        ("metrics.jsonl", b"", "expected at least"),
        ("config.toml", b"", "format"),
        ("record.json", b"{}", "started is missing"),
        ("record.json", re.sub(rb'"mean": [^,]*', b'"mean": NaN', record), "mean is missing or not valid"),
    ]


@pytest.mark.parametrize("i", range(10))
def test_a_damaged_run_is_refused_in_one_sentence(stopped: Path, capsys: pytest.CaptureFixture[str], i: int) -> None:
    """The message names the damaged file; there is no traceback."""
    name, content, words = damaged(stopped)[i]
    (stopped / name).write_bytes(content)
    capsys.readouterr()
    assert cli(["train", "--resume", "r"]) == 2
    err = capsys.readouterr().err
    assert words in err and f"r/{name}: " in err and len(err.strip().splitlines()) == 1


def test_resume_needs_a_run(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing folder, and a folder without a checkpoint, are refused in one sentence."""
    assert cli(["train", "--resume", "absent"]) == 2
    assert "no such folder" in capsys.readouterr().err
    (workplace / "empty").mkdir()
    assert cli(["train", "--resume", "empty"]) == 2
    assert "train one first" in capsys.readouterr().err


def test_a_run_is_locked_while_it_trains(stopped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second process is refused in one sentence."""
    run = Run(stopped)
    with run.locked():
        assert run.busy
        assert cli(["train", "--resume", "r"]) == 2
        assert "another process is training" in capsys.readouterr().err
    assert not run.busy


@pytest.mark.slow
def test_the_weights_of_the_best_epoch_are_saved(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """best.safetensors has the epoch with the best validation accuracy; predict prints which weights it uses."""
    from PIL import Image

    flags = ["--epochs", "6", "--lr", "0.3", "--layers", "dense:12 dropout:0.5 relu dense:10"]
    assert cli(["train", str(tiny_folder), *flags, "--run", "r", "--json"]) == 0
    best = json.loads(capsys.readouterr().out)["best_epoch"]
    rows = [json.loads(line) for line in (workplace / "r/metrics.jsonl").open()]
    accuracies = [row["val_accuracy"] for row in rows if "val_accuracy" in row]
    assert accuracies[best - 1] == max(accuracies) and best < 6, accuracies
    assert cli(["train", str(tiny_folder), *flags, "--stop-after", str(best), "--run", "s", "--json"]) == 0
    kept, then = read_arrays(workplace / "r/best.safetensors"), read_arrays(workplace / "s/weights.safetensors")
    assert all(np.array_equal(kept[name], then[name]) for name in then)
    digit = Image.new("L", (28, 28))
    digit.paste(255, (12, 4, 16, 24))
    digit.save("digit.png")
    capsys.readouterr()
    for which, words in (("last", "last epoch (6)"), ("best", f"best epoch ({best})")):
        assert cli(["predict", "digit.png", "--run", "r", "--weights", which]) == 0
        assert words in capsys.readouterr().out
    assert cli(["train", str(tiny_folder), "--epochs", "1", "--validation", "0", "--run", "t", "--json"]) == 0
    assert cli(["predict", "digit.png", "--run", "t", "--weights", "best"]) == 2
    assert "no best epoch" in capsys.readouterr().err


class Crash(BaseException):
    """A power failure."""


@pytest.mark.slow
def test_a_crash_at_any_write_loses_no_finished_epoch(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a crash during any write, the resumed training has the same result as without it."""
    settings = Settings(data=str(tiny_folder), epochs=2, batch_size=256, layers=ALL, optimizer="adam")
    fsync = os.fsync
    calls = crash_at = 0

    def failing(number: int) -> None:
        nonlocal calls
        calls += 1
        if calls == crash_at:
            raise Crash
        fsync(number)

    monkeypatch.setattr(os, "fsync", failing)
    whole = Run.create(tmp_path / "whole")
    prepare(settings).train(whole, SilentReporter())
    total, begun = calls, 4  # the checkpoint of a run that has begun is the fourth file
    assert total > 12
    for crash_at in range(1, total + 1):
        calls, run = 0, Run.create(tmp_path / str(crash_at))
        with pytest.raises(Crash):
            prepare(settings).train(run, SilentReporter())
        calls = -100
        if crash_at <= begun:
            with pytest.raises(BadInput, match="train one first"):
                resume(run, {})
        else:
            resume(run, {}).train(run, SilentReporter())
            assert_same(whole.folder, run.folder)


PAUSED = """
import os
import time

from nn import batches


@batches("paused")
def paused(x, y, batch_size, rng):
    order = rng.permutation(len(x))
    for start in range(0, len(x), batch_size):
        time.sleep(float(os.environ.get("PAUSE", "0")))
        rows = order[start : start + batch_size]
        yield x[rows], y[rows]
"""
SLOW = ["--layers", ALL, "--optimizer", "adam", "--epochs", "4", "--batch-size", "16", "--lr", "0.003"]
SLOW += ["--batches", "paused", "--plugin", "paused.py"]


def start(*args: str, pause: str = "0", **how: Any) -> subprocess.Popen[str]:
    """`nn` in a separate process that waits `pause` seconds before each batch, so that a test can interrupt it."""
    Path("paused.py").write_text(PAUSED)
    command = [sys.executable, "-c", "from nnlaw.cli.main import main; main()", *args]
    environment = os.environ | {"PAUSE": pause, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, **how
    )


def wait_for_epoch(process: subprocess.Popen[str], epoch: int) -> None:
    """Read the output up to the line of an epoch."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(f"Epoch {epoch}/"):
            return
    raise AssertionError(process.stderr.read() if process.stderr else "")


@pytest.fixture(scope="module")
def uninterrupted(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same training as in the next tests, without an interruption."""
    place = tmp_path_factory.mktemp("uninterrupted")
    (place / "paused.py").write_text(PAUSED)
    flags = [*SLOW[:-1], str(place / "paused.py")]
    assert cli(["train", str(tiny_folder), *flags, "--run", str(place / "r"), "--json"]) == 0
    return place / "r"


@pytest.mark.slow
@pytest.mark.parametrize("moment", [0.0, 0.003, 0.1, 0.25])
def test_a_killed_training_resumes_bit_for_bit(
    tiny_folder: Path, workplace: Path, uninterrupted: Path, moment: float
) -> None:
    """After kill -9 at some moment after the first epoch, the resumed training has the same result."""
    process = start("train", str(tiny_folder), *SLOW, "--run", "r", pause="0.005")
    wait_for_epoch(process, 1)
    time.sleep(moment)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert cli(["train", "--resume", "r", "--trust", "--json"]) == 0
    assert_same(uninterrupted, workplace / "r")


@pytest.mark.slow
def test_an_interrupted_training_prints_the_command(tiny_folder: Path, workplace: Path, uninterrupted: Path) -> None:
    """Ctrl-C exits with code 130 and one sentence with the command to continue."""
    process = start("train", str(tiny_folder), *SLOW, "--run", "r", pause="0.005")
    wait_for_epoch(process, 1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130
    assert err.strip() == "interrupted; continue with: nn train --resume r --trust"
    assert cli(["train", "--resume", "r", "--trust", "--json"]) == 0
    assert_same(uninterrupted, workplace / "r")


@pytest.mark.slow
def test_a_full_disk_leaves_the_last_checkpoint(tiny_folder: Path, workplace: Path, uninterrupted: Path) -> None:
    """If a file can't grow, the training exits with code 2 and one sentence, and can be resumed once there is room."""

    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    process = start("train", str(tiny_folder), *SLOW, "--run", "r", preexec_fn=no_room)
    _, err = process.communicate()
    assert process.returncode == 2
    assert "could not be written: File too large; continue with: nn train --resume r --trust" in err
    assert len(err.strip().splitlines()) == 1 and not list((workplace / "r").glob(".*.tmp"))
    assert cli(["train", "--resume", "r", "--trust", "--json"]) == 0
    assert_same(uninterrupted, workplace / "r")
