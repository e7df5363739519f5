"""The commands nn train and nn replay."""

import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from threadpoolctl import threadpool_info, threadpool_limits

from nnlaw.cli.main import run
from nnlaw.nn.run_folder.array_files import read_arrays

NUMBER = re.compile(r"\d[\d,.]*%?")

TRANSCRIPT = """\
Loading MNIST dataset...
  Training: 60,000 images
  Test: 10,000 images
Network architecture: 784 → 128 → 64 → 10
  Layer 1: 784 inputs × 128 outputs = 100,352 weights
  Layer 2: 128 × 64 = 8,192 weights
  Layer 3: 64 × 10 = 640 weights
  Total: 109,184 weights + 202 biases = 109,386 trainable parameters
  layer   in  out  parameters
  dense  784  128     100,480
  relu   128  128           0
  dense  128   64       8,256
  relu    64   64           0
  dense   64   10         650
Training with mini-batch gradient descent (batch_size=32, lr=0.01)
Epoch 1/10:  Loss = 0.823, Accuracy = 78.2%, Validation loss = 0.711, 0.4 s
Test set accuracy: 96.8%"""

FAULTS = Path(__file__).parents[2] / "fixtures" / "faults"

SMALL = ["--layers", "dense:16 relu dense:10", "--epochs", "2", "--lr", "0.05"]


def shape_of(text: str) -> list[str]:
    """The lines of the output, with a placeholder for each number."""
    return [NUMBER.sub("#", line) for line in text.splitlines()]


@pytest.mark.slow
def test_output_has_the_agreed_lines(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All agreed lines are printed in their order, without control codes."""
    assert run(["train", "--strict", str(tiny_folder), "--epochs", "2"]) == 0
    out = capsys.readouterr().out
    lines = iter(shape_of(out))
    assert all(expected in lines for expected in shape_of(TRANSCRIPT)), out
    assert "\x1b" not in out
    assert "Confusion matrix" in out and re.search(r"\nEvery law passed: \d+ laws, [\d,]+ checks\n", out)


def test_run_folder_has_all_files(tiny_folder: Path, workplace: Path, curves: None) -> None:
    """Settings, metrics of all steps, weights, split, summary and two pictures."""
    assert run(["train", str(tiny_folder), *SMALL, "--run", "r"]) == 0
    rows = [json.loads(line) for line in (workplace / "r/metrics.jsonl").read_text().splitlines()]
    assert rows[0]["step"] == 1 and rows[0]["relative_change"] is None
    assert {"loss", "gradient_norms", "update_ratio"} <= set(rows[0])
    assert len(rows[0]["gradient_norms"]) == 2
    assert sum("train_accuracy" in row for row in rows) == 2
    summary = json.loads((workplace / "r/summary.json").read_text())
    assert {"test_accuracy", "epoch_seconds", "seed", "digests", "versions"} <= set(summary)
    for name in ("curves.png", "mistakes.png"):
        Image.open(workplace / "r" / name).verify()
    assert sorted(np.load(workplace / "r/split.npz")) == ["deviation", "mean", "train", "validation"]


@pytest.mark.slow
def test_config_of_a_run_repeats_it(tiny_folder: Path, workplace: Path) -> None:
    """Training again from a run's config.toml gives the same weights bit for bit."""
    layers = ["--layers", "dense:16 batchnorm relu dropout:0.2 dense:10", "--optimizer", "adam", "--lr", "0.003"]
    assert run(["train", str(tiny_folder), "--epochs", "2", *layers, "--seed", "5", "--run", "a"]) == 0
    assert run(["train", str(tiny_folder), "--config", "a/config.toml", "--run", "b"]) == 0
    one, two = (read_arrays(workplace / name / "weights.safetensors") for name in "ab")
    assert all(np.array_equal(one[key], two[key]) for key in one)


@pytest.mark.slow
def test_training_uses_one_thread_by_default(tiny_folder: Path, workplace: Path) -> None:
    """--threads 2 uses two, 0 all; the record has the number; the setting of BLAS is restored."""
    with threadpool_limits(3):
        for flags, expected in (([], 1), (["--threads", "2"], 2), (["--threads", "0"], 3)):
            assert run(["train", str(tiny_folder), *SMALL, *flags, "--run", f"r{expected}"]) == 0
            record = json.loads((workplace / f"r{expected}/record.json").read_text())
            assert record["versions"]["threads"] == expected
            assert {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"} == {3}


@pytest.mark.slow
def test_config_of_a_run_uses_its_copies_of_the_plugins(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changes of the plugin file, and another current folder, make no difference."""
    Path("mine.py").write_text(SLOTTED, encoding="utf-8")
    text = ["--plugin", "mine.py", "--layers", "dense:10 slotted", "--epochs", "1"]
    assert run(["train", str(tiny_folder), *text, "--run", "a"]) == 0, capsys.readouterr().err
    Path("mine.py").write_text(SLOTTED.replace("0.5", "2.0"), encoding="utf-8")
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert run(["train", "--config", "../a/config.toml", "--run", "b", "--trust"]) == 0, capsys.readouterr().err
    one, two = (read_arrays(Path(name) / "weights.safetensors") for name in ("../a", "b"))
    assert all(np.array_equal(one[key], two[key]) for key in one)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_weights_are_equal_with_and_without_strict(tiny_folder: Path, workplace: Path, optimizer: str) -> None:
    """Checks change no bit of the result."""
    layers = "dense:12 relu dropout:0.1 dense:10"
    more = ["--optimizer", optimizer, "--layers", layers, "--epochs", "1", "--lr", "0.001"]
    assert run(["train", str(tiny_folder), *more, "--run", "default"]) == 0
    assert run(["train", "--strict", str(tiny_folder), *more, "--run", "strict"]) == 0
    default, strict = (read_arrays(workplace / name / "weights.safetensors") for name in ("default", "strict"))
    assert all(np.array_equal(default[key], strict[key]) for key in default)


@pytest.mark.slow
def test_without_a_path_it_trains_on_synthetic_digits(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They are called synthetic in the output."""
    assert run(["train", "--epochs", "1"]) == 0
    assert "synthetic" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "law"),
    [
        (["--lr", "50"], "update-ratio"),
        (["--lr", "1e20"], "update-ratio"),
        (["--init", "zeros"], "symmetry"),
        (["--layers", "dense:16 relu dense:10 softmax"], "domain"),
        (["--layers", "dense:128 relu dense:10", "--optimizer", "momentum", "--lr", "5"], "update-ratio"),
    ],
)
def test_a_failed_law_is_reported_and_replayed(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str], flags: list[str], law: str
) -> None:
    """A mistake on the command line: exit code 1, one diagnostic, and a failure report that can be replayed."""
    assert run(["train", "--strict", str(tiny_folder), *flags, "--run", "r"]) == 1
    err = capsys.readouterr().err
    assert f"{law}: " in err and "repeat it: nn replay r/failure" in err
    with np.errstate(all="raise"):  # no warning reaches the user
        assert run(["replay", "r/failure"]) == 1
    assert f"Reproduced, law {law}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("fault", "flag", "law"),
    [
        ("optimizer_adam_stuck_at_one", "--optimizer", "definition"),
        ("batches_labels_shuffled_apart", "--batches", "paired"),
        ("initializer_he_swapped_fans", "--init", "variance"),
        ("schedule_warmup_beyond_one", "--schedule", "bounds"),
    ],
)
def test_every_chosen_plugin_is_checked_before_training(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str], fault: str, flag: str, law: str
) -> None:
    """A fault in the optimizer, batch sampler, initializer or schedule stops a strict training before its first step.
    """
    file = FAULTS / f"{fault}.py"
    name = re.search(r'@\w+\("([^"]+)"', file.read_text(encoding="utf-8"))
    assert name is not None
    assert run(["train", "--strict", str(tiny_folder), "--plugin", str(file), flag, name[1], "--run", "r"]) == 1
    assert f": {law}: " in capsys.readouterr().err
    assert run(["replay", "r/failure"]) == 1


FORGETFUL = '''
import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("forgetful")
@obeys("N n -> N n")
class Forgetful(Layer):
    """y = k·x, where k grows while it is trained and is nowhere saved."""

    k = np.float32(1)

    def forward(self, x):
        self.used = self.k
        if self.training:
            self.k = self.k * np.float32(1.01)
        return self.used * x

    def backward(self, dy):
        return self.used * dy
'''


SLOTTED = """
from nn import layer
from spec import obeys


@layer("slotted")
@obeys("N n -> N n")
class Slotted:
    __slots__ = ("N", "gain")

    def __init__(self):
        self.gain = 0.5

    def forward(self, x):
        self.N = len(x)
        return self.gain * x

    def backward(self, dy):
        return self.gain * dy.reshape(self.N, -1)
"""


@pytest.mark.slow
@pytest.mark.parametrize("flags", [[], ["--strict"]])
def test_a_layer_with_slots_and_no_base_is_trained(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str], flags: list[str]
) -> None:
    """It gets room for parameters and modes; attributes that depend on the batch do not bind dimensions."""
    Path("mine.py").write_text(SLOTTED, encoding="utf-8")
    text = ["--plugin", "mine.py", "--layers", "dense:10 slotted", "--epochs", "1"]
    assert run(["train", str(tiny_folder), *text, *flags, "--run", "r"]) == 0, capsys.readouterr().err
    assert run(["train", "--resume", "r", "--epochs", "2", "--trust"]) == 0, capsys.readouterr().err


def test_unsaved_state_is_reported_and_replayed(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A layer with trained values outside `state` predicts otherwise once reloaded; replay trains again."""
    (workplace / "mine.py").write_text(FORGETFUL, encoding="utf-8")
    mine = ["--plugin", "mine.py", "--layers", "dense:12 forgetful dense:10", "--epochs", "1", "--run", "r"]
    assert run(["train", "--strict", str(tiny_folder), *mine]) == 1
    assert "round-trip: " in capsys.readouterr().err
    assert run(["replay", "r/failure"]) == 1
    assert "Reproduced, law round-trip" in capsys.readouterr().out


def test_a_fault_in_a_users_layer_names_the_file_to_verify(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The diagnostic has the law, the line, and the command that checks the file; also if the layer raises."""
    (workplace / "mine.py").write_text(FORGETFUL.replace("self.used * dy", "dy * 0.5"), encoding="utf-8")
    mine = ["--plugin", "mine.py", "--layers", "dense:12 forgetful dense:10"]
    assert run(["train", "--strict", str(tiny_folder), *mine, "--run", "r"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("mine.py:")
    assert "repeat it: nn replay r/failure\n   check this file alone: nn verify mine.py\n" in err
    (workplace / "mine.py").write_text(FORGETFUL.replace("self.used * dy", "self.lost"), encoding="utf-8")
    assert run(["train", "--strict", str(tiny_folder), *mine, "--run", "s"]) == 1
    err = capsys.readouterr().err
    assert "likely cause: backward raises at mine.py:22\n   repeat it: nn replay s/failure\n   check this file" in err


def test_the_resume_command_is_quoted(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run folder with a space in its name."""
    assert run(["train", str(tiny_folder), *SMALL, "--stop-after", "1", "--run", "my run"]) == 0
    assert capsys.readouterr().out.endswith("continue with: nn train --resume 'my run'\n")


METRIC = """
from nn import metric

@metric("missed")
def missed(probabilities, labels):
    return float((probabilities.argmax(axis=1) != labels).mean())
"""


@pytest.mark.slow
@pytest.mark.parametrize("flags", [["--strict"], ["--validation", "0", "--strict"]])
def test_a_users_metric_is_printed_next_to_the_accuracy(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str], flags: list[str]
) -> None:
    """After every epoch, for the test set, and in the run folder; only with its file."""
    Path("mine.py").write_text(METRIC, encoding="utf-8")
    assert run(["train", str(tiny_folder), *SMALL, *flags, "--plugin", "mine.py", "--run", "r"]) == 0
    out = capsys.readouterr().out
    rows = [json.loads(line) for line in Path("r/metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    for row in (row for row in rows if "step" not in row):
        found = row["metrics"]["missed"]
        assert found == pytest.approx(1 - row.get("val_accuracy", row["train_accuracy"]))
        assert f", missed = {found:.4g}" in out
    summary = json.loads(Path("r/summary.json").read_text(encoding="utf-8"))
    assert summary["metrics"]["missed"] == pytest.approx(1 - summary["test_accuracy"])
    assert f"Test set missed: {summary['metrics']['missed']:.4g}\n" in out
    assert run(["train", str(tiny_folder), *SMALL, "--run", "plain"]) == 0
    assert "missed" not in capsys.readouterr().out


def test_a_wrong_metric_of_the_user_is_reported(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--strict checks it before training."""
    Path("mine.py").write_text(METRIC.replace(".mean()", "[0]"), encoding="utf-8")
    assert run(["train", "--strict", str(tiny_folder), *SMALL, "--plugin", "mine.py", "--run", "s"]) == 1
    assert "mine.py:5: permutation: missed" in capsys.readouterr().err


def test_an_exception_in_a_users_layer_suggests_strict(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A training without --strict shows the line, and that --strict names the law."""
    Path("mine.py").write_text(SLOTTED.replace("self.gain * x", "lost * x"), encoding="utf-8")
    text = ["--plugin", "mine.py", "--layers", "dense:10 slotted", "--epochs", "1"]
    assert run(["train", str(tiny_folder), *text, "--run", "r"]) == 2
    err = capsys.readouterr().err
    assert "mine.py:16: NameError: name 'lost' is not defined; --strict names the law that fails\n" in err


@pytest.mark.slow
def test_a_run_has_copies_of_all_modules_of_a_plugin(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Predict, resume and reproduce work without the originals."""
    (workplace / "own/tidy_parts").mkdir(parents=True)
    source = "import tidy_helper\n" + FORGETFUL.replace("self.k * np.float32(1.01)", "tidy_helper.K")
    (workplace / "own/mine.py").write_text(source, encoding="utf-8")
    (workplace / "own/tidy_helper.py").write_text("from tidy_parts.constants import K\n", encoding="utf-8")
    (workplace / "own/tidy_parts/__init__.py").write_text("", encoding="utf-8")
    (workplace / "own/tidy_parts/constants.py").write_text("K = 1\n", encoding="utf-8")
    (workplace / "own/apart.py").write_text("", encoding="utf-8")
    mine = ["--plugin", "own/mine.py", "--layers", "dense:12 forgetful dense:10", "--epochs", "1"]
    assert run(["train", str(tiny_folder), *mine, "--run", "r"]) == 0, capsys.readouterr().err
    kept = {path.relative_to("r/plugins").as_posix() for path in Path("r/plugins").rglob("*.py")}
    assert kept == {"1-mine.py", "tidy_helper.py", "tidy_parts/__init__.py", "tidy_parts/constants.py"}
    shutil.rmtree("own")
    for command in (["train", "--resume", "r", "--epochs", "2", "--trust"], ["bundle", "r"], ["reproduce", "r.zip"]):
        for name in [name for name in sys.modules if name.startswith("tidy_")]:
            del sys.modules[name]
        assert run(command) == 0, capsys.readouterr().err


def test_nan_before_the_first_step_is_not_attributed_to_a_step(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A layer that returns nan from the first batch."""
    (workplace / "mine.py").write_text(FORGETFUL.replace("self.used * x", "np.nan * x"), encoding="utf-8")
    mine = ["--plugin", "mine.py", "--layers", "dense:12 forgetful dense:10"]
    assert run(["train", str(tiny_folder), *mine, "--run", "r"]) == 1
    err = capsys.readouterr().err
    assert "no step was taken yet" in err and "too long" not in err


def test_a_training_that_diverges_stops(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without --strict, a loss that is not finite stops the training: exit code 1, no warnings, no nan saved. nn replay
    reports the same array."""
    with np.errstate(all="warn"):
        assert run(["train", str(tiny_folder), "--lr", "1e6", "--run", "r"]) == 1
    err = capsys.readouterr().err
    assert "finite: " in err and "Warning" not in err
    assert not (workplace / "r/weights.safetensors").exists()
    assert run(["replay", "r"]) == 1
    assert capsys.readouterr().err.splitlines()[0] == err.splitlines()[0]


BAD = [
    (["--epochs", "-1"], "epochs = -1"),
    (["--lr", "nan"], "lr = nan"),
    (["--lr", "0"], "lr = 0"),
    (["--batch-size", "0"], "batch_size = 0"),
    (["--clip-norm", "-1"], "clip_norm"),
    (["--seed", "-4"], "seed = -4"),
    (["--threads", "-1"], "threads = -1"),
    (["--layers", "densee:10"], "nearest: dense"),
    (["--layers", ""], "layers: empty"),
    (["--layers", "dense:-128 relu dense:10"], "-128"),
    (["--layers", "dense:x relu dense:10"], "expected int"),
    (["--layers", "dense"], "units is missing"),
    (["--layers", "dense:10,size=3"], "unknown setting 'size'"),
    (["--layers", "dense:1,2,3"], "at most"),
    (["--layers", "dense:16 relu:3 dense:10"], "relu:3': 1 value, expected no value"),
    (["--layers", "dense:12 relu:slope=5 dense:10"], "unknown setting 'slope'; known: none"),
    (["--layers", "dense:12"], "12 outputs, but the data has 10 classes"),
    (["--optimizer", "adm"], "nearest: adam"),
    (["--optimizer", "adam:beta1=2"], "beta1"),
    (["--schedule", "cosin"], "cosine"),
    (["--schedule", "step:every=0"], "every must lie in (0, ∞)"),
    (["--init", "hee"], "nearest: he"),
    (["--loss", "mze"], "mse"),
    (["--model", "netwrk"], "network"),
    (["--batches", "shufled"], "shuffled"),
    (["--validation", "-7"], "validation"),
    (["--validation", "600"], "validation"),
    (["--plugin", "absent.py"], "no such file"),
    (["--config", "absent.toml"], "absent.toml"),
]


@pytest.mark.parametrize(("flags", "words"), BAD, ids=[" ".join(flags) for flags, _ in BAD])
def test_a_bad_setting_is_refused_in_one_sentence(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str], flags: list[str], words: str
) -> None:
    """The message names the setting; exit code 2, and no run folder."""
    assert run(["train", str(tiny_folder), *flags]) == 2
    err = capsys.readouterr().err.strip()
    assert words in err and len(err.splitlines()) == 1 and "Traceback" not in err
    assert not (workplace / "runs").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("epochs = 3", "no format, expected the line format = 1"),
        ("format = 1\nepoch = 3", "nearest: epochs"),
        ("format = 1\nepochs = 'three'", "expected int"),
        ("format = 1\nstrict = 1", "expected bool"),
        ("format = ", "bad.toml"),
        ("format = 1\nlr = nan", "bad.toml: lr = nan"),
        ("format = 1\nepochs = -3", "bad.toml: epochs = -3"),
        ("format = 1\nplugins = 'mine.py'", "expected a list of strings"),
    ],
)
def test_a_bad_settings_file_is_refused_in_one_sentence(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    """The message names file and key; exit code 2."""
    (workplace / "bad.toml").write_text(text)
    assert run(["train", str(tiny_folder), "--config", "bad.toml"]) == 2
    err = capsys.readouterr().err
    assert "settings file bad.toml: " in err and words in err and len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def broken(:\n", "mine.py:1"),
        ("x = 1\ny = 1 / 0\n", "mine.py:2: ZeroDivisionError"),
        ("raise SystemExit(3)\n", "called sys.exit(3) while being imported"),
        ("x = 1\n", "no layer, loss, ... is registered"),
        ("from nn import layer\n@layer('a')\nclass A: pass\n", "has no contract"),
        (
            "from nn import layer\nfrom spec import obeys\n@layer('dense')\n@obeys('N ... -> N ...')\nclass A: pass\n",
            "built in",
        ),
    ],
)
def test_a_bad_plugin_file_is_refused_in_one_sentence(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str], source: str, words: str
) -> None:
    """The message has file and line; exit code 2."""
    (workplace / "mine.py").write_text(source)
    assert run(["train", str(tiny_folder), "--plugin", "mine.py"]) == 2
    assert words in capsys.readouterr().err
    assert not (workplace / "runs").exists()


def test_an_existing_run_folder_is_refused(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is never overwritten."""
    (workplace / "r").mkdir()
    assert run(["train", str(tiny_folder), *SMALL, "--run", "r"]) == 2
    assert "r exists already; choose another --run" in capsys.readouterr().err


@pytest.mark.slow
def test_json_is_one_object(tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --json, only the summary is printed."""
    assert run(["train", str(tiny_folder), *SMALL, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["test_accuracy"] > 0.2


def test_listings(capsys: pytest.CaptureFixture[str]) -> None:
    """`nn plugins` and `nn laws` print text and JSON."""
    assert run(["plugins"]) == 0
    assert "units: int, init: str = 'he'" in capsys.readouterr().out
    assert run(["plugins", "--json"]) == 0
    rows = {(row["kind"], row["name"]): row["settings"] for row in json.loads(capsys.readouterr().out)}
    assert len(rows) > 20 and rows["layer", "relu"] == [] and rows["layer", "dropout"] == ["rate: float = 0.5"]
    assert run(["laws"]) == 0 and "update-ratio" in capsys.readouterr().out
    assert run(["nonsense"]) == 2 and run(["--version"]) in (0, 2)


@pytest.mark.slow
@pytest.mark.no_cover
def test_mnist_is_trained_with_strict(mnist: Path, workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One epoch of the default recipe passes every law and reaches 90%."""
    assert run(["train", "--strict", str(mnist), "--epochs", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["test_accuracy"] > 0.9
