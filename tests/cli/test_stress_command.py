"""nn stress on the command line, and edge cases of its matrix with nn train."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from nnlaw.cli.main import run
from nnlaw.nn.core.reporter import SilentReporter
from nnlaw.nn.core.settings import Settings
from nnlaw.nn.run_folder.array_files import read_arrays
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.json_files import read_json
from nnlaw.nn.stress.edge_cases import cases, settings_of, write_data
from nnlaw.nn.training.session import prepare

CASES = {case.name: case for case in cases()}


@pytest.fixture(scope="module")
def sound(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a trained run."""
    folder = tmp_path_factory.mktemp("sound") / "run"
    prepare(Settings(data=str(tiny_folder), epochs=2, lr=0.05)).train(Run.create(folder), SilentReporter())
    return folder


@pytest.fixture
def damaged(sound: Path, workplace: Path) -> Path:
    """The same run with one weight that is not finite, so that the scenario `sound` fails."""
    shutil.copytree(sound, workplace / "damaged")
    arrays = {name: np.copy(array) for name, array in read_arrays(sound / "weights.safetensors").items()}
    arrays["4:dense.b"][3] = np.nan
    Run(workplace / "damaged").write_arrays("weights.safetensors", arrays)
    return Path("damaged")


@pytest.mark.slow
def test_scenarios_that_pass_print_a_table_and_exit_0(sound: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Name, what is done, expected, observed, outcome; a line for each as it ends."""
    assert run(["stress", str(sound), "--scenario", "edge-nan", "--scenario", "sound", "-v"]) == 0
    out = capsys.readouterr().out
    for words in ("edge-nan", "one number of the input", "law finite", "input[3, 5] = nan", "2 scenarios: 2 passed"):
        assert words in out
    assert not (sound / "stress").exists()


@pytest.mark.slow
def test_a_scenario_that_fails_exits_1_and_is_replayed(damaged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The signature has scenario, law and array, and nn replay repeats the failure, until it is fixed."""
    assert run(["stress", str(damaged), "--scenario", "sound", "--scenario", "edge-inf"]) == 1
    out = capsys.readouterr().out
    assert "4:dense.b[3] is nan" in out and "1 passed, 1 failed" in out
    assert "sound: nn replay damaged/stress/sound" in out and not (damaged / "stress" / "edge-inf").exists()
    assert read_json(damaged / "stress" / "sound" / "signature.json")["drill"] == "sound"
    assert run(["replay", str(damaged / "stress" / "sound")]) == 1
    shown = capsys.readouterr()
    assert "Reproduced, law scenario" in shown.out and "4:dense.b[3] is nan" in shown.err
    fixed = {name: np.nan_to_num(array) for name, array in read_arrays(damaged / "weights.safetensors").items()}
    Run(damaged).write_arrays("weights.safetensors", fixed)
    assert run(["replay", str(damaged / "stress" / "sound")]) == 2
    assert "every law passes now" in capsys.readouterr().err


@pytest.mark.slow
def test_images_are_saved_in_the_run_folder(
    sound: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The output has their number and folder."""
    shutil.copytree(sound, workplace / "kept")
    assert run(["stress", "kept", "--scenario", "fgsm"]) == 0
    images = sorted(Path("kept/stress").glob("*/*.png"))
    assert images and f"Images: {len(images)} in {Path('kept/stress')}\n" in capsys.readouterr().out


@pytest.mark.slow
def test_json_is_the_only_output(damaged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every result with its metrics, and the violation and signature of failures; the same with two jobs."""
    found = []
    for jobs in ("1", "2"):
        assert run(["stress", str(damaged), "--scenario", "s[co]*d", "--json", "--jobs", jobs]) == 1
        found.append(json.loads(capsys.readouterr().out)["scenarios"])
    rows = {row["name"]: row for row in found[0]}
    assert {"sound", "scale-standardized"} <= set(rows)
    assert rows["sound"]["outcome"] == "failed" and rows["sound"]["violation"]["law"] == "scenario"
    assert rows["sound"]["signature"] == "damaged/stress/sound"
    passed = rows["scale-standardized"]
    assert passed["outcome"] == "passed" and passed["violation"] is None and passed["metrics"]["apart"] < 0.02
    assert [{**row, "seconds": 0} for row in found[0]] == [{**row, "seconds": 0} for row in found[1]]


@pytest.mark.slow
def test_without_a_run_a_network_is_trained_first(
    workplace: Path, capsys: pytest.CaptureFixture[str], hasty: None
) -> None:
    """On synthetic digits, in runs/stress/, which nn predict does not search; not mentioned with --json."""
    assert run(["stress", "--scenario", "sound"]) == 0
    assert capsys.readouterr().out.startswith("Training the default network on synthetic digits first")
    (folder,) = (workplace / "runs" / "stress").iterdir()
    assert (folder / "weights.safetensors").exists()
    assert run(["stress", "--scenario", "sound", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scenarios"][0]["outcome"] == "passed"


def test_the_list_has_every_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    """As a table, without running any."""
    assert run(["stress", "--list"]) == 0
    out = capsys.readouterr().out
    assert "| `edge-nan` | one number of the input is nan | law finite fails" in out and "`other-processes`" in out


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--scenario", "edge-nam"], "did you mean edge-nan"),
        (["--scenario", "zzzz"], "nn stress --list shows all"),
        (["nowhere"], "nowhere"),
        (["--jobs", "0"], "--jobs"),
        (["--junit", "out.xml"], "--junit was removed; use --json"),
    ],
)
def test_bad_usage_is_refused(
    workplace: Path, capsys: pytest.CaptureFixture[str], args: list[str], words: str
) -> None:
    """An unknown scenario, no run, a removed option: one sentence and exit code 2."""
    assert run(["stress", *args]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.slow
def test_a_bar_on_a_terminal(sound: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """On a terminal the last scenario is shown beside a bar, and no lines are printed."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert run(["stress", str(sound), "--scenario", "edge-nan"]) == 0
    shown = capsys.readouterr()
    assert "passed" in shown.out and not shown.out.startswith("passed")


def test_the_old_name_of_the_option(sound: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--drill of version 0.1 is a hidden alias of --scenario."""
    assert run(["stress", str(sound), "--drill", "sound"]) == 0
    assert "1 scenario: 1 passed" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["rate-50", "rate-1-momentum", "rate-1e-9", "two-labels", "dead-relus", "softmax-twice-user", "batchnorm-remainder",
     "labels-from-1", "wrong-width", "one-class", "rate-1e39-not-strict"],
)  # fmt: skip
def test_nn_train_gives_the_result_of_the_matrix(
    name: str, workplace: Path, capsys: pytest.CaptureFixture[str], hasty: None
) -> None:
    """The same data and settings fail the same law, exit code 1, or are refused with the same message, exit code 2."""
    case = CASES[name]
    settings = settings_of(case, write_data(case.data, workplace / "data"), 0)
    flags = ["--strict"] if settings.strict else []
    flags += [word for plugin in settings.plugins for word in ("--plugin", plugin)]
    for key in ("epochs", "validation", "lr", "layers", "loss", "optimizer", "init", "batch_size"):
        flags += [f"--{key.replace('_', '-')}", str(getattr(settings, key))]
    code = run(["train", "data", *flags, "--run", "r"])
    err = capsys.readouterr().err
    assert code == (1 if case.law else 2) and case.message in err and (f"{case.law}: " in err or not case.law)
    saved = workplace / "r" / "weights.safetensors"
    assert not saved.exists() or all(np.isfinite(array).all() for array in read_arrays(saved).values())
    if case.law:
        assert run(["replay", "r/failure"]) == 1
