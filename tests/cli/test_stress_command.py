"""nn stress as a user meets it, and the mistakes of its matrix made from the command line."""

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
    """The folder of a run that has learnt something."""
    folder = tmp_path_factory.mktemp("sound") / "run"
    prepare(Settings(data=str(tiny_folder), epochs=2, lr=0.05)).train(Run.create(folder), SilentReporter())
    return folder


@pytest.fixture
def ruined(sound: Path, workplace: Path) -> Path:
    """The same run with one weight gone, which the drill `sound` must see."""
    shutil.copytree(sound, workplace / "ruined")
    arrays = {name: np.copy(array) for name, array in read_arrays(sound / "weights.safetensors").items()}
    arrays["4:dense.b"][3] = np.nan
    Run(workplace / "ruined").write_arrays("weights.safetensors", arrays)
    return Path("ruined")


def test_drills_that_hold_are_a_table_and_exit_0(sound: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Name, what is done, expected, observed, verdict; a line for each while they are done."""
    assert run(["stress", str(sound), "--drill", "edge-nan", "--drill", "sound"]) == 0
    out = capsys.readouterr().out
    for words in ("edge-nan", "one number of the input", "law finite", "input[3, 5] = nan", "2 scenarios: 2 passed"):
        assert words in out
    assert not (sound / "stress").exists()


def test_a_drill_that_fails_exits_1_and_is_replayed(ruined: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table says so, the signature names drill, law and array, and nn replay does it again, until it is mended."""
    assert run(["stress", str(ruined), "--drill", "sound", "--drill", "edge-inf"]) == 1
    out = capsys.readouterr().out
    assert "4:dense.b[3] is nan" in out and "1 passed, 1 failed" in out
    assert "sound: nn replay ruined/stress/sound" in out and not (ruined / "stress" / "edge-inf").exists()
    assert read_json(ruined / "stress" / "sound" / "signature.json")["drill"] == "sound"
    assert run(["replay", str(ruined / "stress" / "sound")]) == 1
    shown = capsys.readouterr()
    assert "Reproduced, law drill" in shown.out and "4:dense.b[3] is nan" in shown.err
    mended = {name: np.nan_to_num(array) for name, array in read_arrays(ruined / "weights.safetensors").items()}
    Run(ruined).write_arrays("weights.safetensors", mended)
    assert run(["replay", str(ruined / "stress" / "sound")]) == 2
    assert "every law passes now" in capsys.readouterr().err


def test_what_a_drill_paints_stays_with_the_run(
    sound: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The pictures of a drill lie in the run folder, and the last line says where."""
    shutil.copytree(sound, workplace / "kept")
    assert run(["stress", "kept", "--drill", "fgsm"]) == 0
    painted = sorted(Path("kept/stress").glob("*/*.png"))
    assert painted and f"Images: {', '.join(map(str, painted))}" in capsys.readouterr().out


def test_scripts_get_json_and_nothing_else(ruined: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every row with its figures, and the violation and signature of what failed; two at a time give the same."""
    found = []
    for jobs in ("1", "2"):
        assert run(["stress", str(ruined), "--drill", "s[co]*d", "--json", "--jobs", jobs]) == 1
        found.append(json.loads(capsys.readouterr().out)["scenarios"])
    rows = {row["name"]: row for row in found[0]}
    assert {"sound", "scale-standardized"} <= set(rows)
    assert rows["sound"]["outcome"] == "failed" and rows["sound"]["violation"]["law"] == "drill"
    assert rows["sound"]["signature"] == "ruined/stress/sound"
    held = rows["scale-standardized"]
    assert held["outcome"] == "passed" and held["violation"] is None and held["metrics"]["apart"] < 0.02
    assert [{**row, "seconds": 0} for row in found[0]] == [{**row, "seconds": 0} for row in found[1]]


def test_without_a_run_one_is_trained_first(
    workplace: Path, capsys: pytest.CaptureFixture[str], hasty: None
) -> None:
    """On built-in digits, into runs/stress/, where predict doesn't look, then drilled; scripts hear nothing of it."""
    assert run(["stress", "--drill", "sound"]) == 0
    assert capsys.readouterr().out.startswith("Training the default network on synthetic digits first")
    (folder,) = (workplace / "runs" / "stress").iterdir()
    assert (folder / "weights.safetensors").exists()
    assert run(["stress", "--drill", "sound", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scenarios"][0]["outcome"] == "passed"


def test_the_list_names_every_drill(capsys: pytest.CaptureFixture[str]) -> None:
    """As a table, without doing any."""
    assert run(["stress", "--list"]) == 0
    out = capsys.readouterr().out
    assert "| `edge-nan` | one number of the input is nan | law finite fails" in out and "`other-processes`" in out


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--drill", "edge-nam"], "did you mean edge-nan"),
        (["--drill", "zzzz"], "nn stress --list shows all"),
        (["nowhere"], "nowhere"),
        (["--jobs", "0"], "--jobs"),
        (["--junit", "out.xml"], "--junit was removed; use --json"),
    ],
)
def test_what_cannot_be_done_is_told(
    workplace: Path, capsys: pytest.CaptureFixture[str], args: list[str], words: str
) -> None:
    """An unknown drill, or no run: one sentence and exit code 2."""
    assert run(["stress", *args]) == 2
    assert words in capsys.readouterr().err


def test_a_bar_on_a_terminal(sound: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """There the drill that was done last is named beside a bar, and no lines are printed."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert run(["stress", str(sound), "--drill", "edge-nan"]) == 0
    shown = capsys.readouterr()
    assert "passed" in shown.out and not shown.out.startswith("passed")


@pytest.mark.parametrize(
    "name",
    ["rate-50", "rate-1-momentum", "rate-1e-9", "two-labels", "dead-relus", "softmax-twice-user", "batchnorm-remainder",
     "labels-from-1", "wrong-width", "one-class", "rate-1e39-not-strict"],
)  # fmt: skip
def test_the_command_line_meets_what_the_matrix_meets(
    name: str, workplace: Path, capsys: pytest.CaptureFixture[str], hasty: None
) -> None:
    """The same data and settings given to nn train end in the same law, exit 1, or in the same refusal, exit 2."""
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
