"""Runs and bundles that bring plugins: their code runs in a sandbox, or with --trust, and is compared on our side."""

import hashlib
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from nnlaw._child import can_start
from nnlaw.cli.main import run as cli

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not can_start(), reason="no sandbox here")]

NAME = "plugins/1-m.py"
PLUGIN = """import os
from pathlib import Path
import numpy as np
from nnlaw import layer, obeys
if os.environ.get("SECRET"):
    Path({mark!r}).write_text("ran")
print("hello\\x1b[2K")
@layer("absolute")
@obeys("N ... -> N ...")
class Absolute:
    def forward(self, x):
        self.x = x
        return np.abs(x)
    def backward(self, dy):
        return dy * np.sign(self.x)
"""


@pytest.fixture
def mark(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that the plugin writes if it runs with the rights of the caller; the run is in the folder r."""
    monkeypatch.setenv("SECRET", "1")
    return workplace / "ran"


@pytest.fixture
def run_with_plugin(tiny_folder: Path, workplace: Path, mark: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A run whose layer is a plugin."""
    Path("m.py").write_text(PLUGIN.format(mark=str(mark)))
    flags = ["--epochs", "1", "--batch-size", "100", "--layers", "dense:6 absolute dense:10", "--plugin", "m.py"]
    assert cli(["train", str(tiny_folder), *flags, "--run", "r"]) == 0
    mark.unlink()
    capsys.readouterr()
    return workplace / "r"


def test_predict_runs_plugins_in_a_sandbox(
    run_with_plugin: Path, mark: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The predictions are the same as with --trust; files outside are not written, and output is marked."""
    from PIL import Image

    from nnlaw.nn.data.load import load_folder

    Image.fromarray(255 - load_folder(tiny_folder).test_images[0]).resize((112, 112)).save("digit.png")
    codes = [cli(["predict", "digit.png", "--run", "r", "--json"])]
    isolated = capsys.readouterr()
    assert not mark.exists() and "| hello\\x1b[2K" in isolated.err
    codes.append(cli(["predict", "digit.png", "--run", "r", "--json", "--trust"]))
    trusted = capsys.readouterr()
    assert mark.exists() and codes[0] == codes[1]
    assert json.loads(isolated.out) == json.loads(trusted.out.partition("\n")[2])


def test_nothing_outside_the_run_folder_is_loaded(
    run_with_plugin: Path, mark: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A plugin elsewhere, or behind a link, is refused, with --trust too."""
    copy = run_with_plugin / "plugins" / "1-m.py"
    copy.unlink()
    for setup in (lambda: None, lambda: copy.symlink_to(workplace / "m.py")):
        setup()
        for command in (["predict", "r/curves.png", "--run", "r"], ["train", "--resume", "r", "--epochs", "2"]):
            for trust in ([], ["--trust"]):
                assert cli([*command, *trust]) == 2
                assert "its plugin m.py is missing from plugins/" in capsys.readouterr().err
    assert not mark.exists()


def test_resume_and_stress_need_trust(run_with_plugin: Path, mark: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They are refused in a sentence that names the option; settings of a run folder are refused likewise."""
    for command in (
        ["train", "--resume", "r", "--epochs", "2"],
        ["stress", "r", "--scenario", "kill-9"],
        ["train", "--config", "r/config.toml", "--run", "s"],
    ):
        assert cli(command) == 2
        assert "r brings its own code (1-m.py)" in (err := capsys.readouterr().err) and "add --trust" in err
    assert not mark.exists()
    assert cli(["train", "--resume", "r", "--epochs", "2", "--trust", "--json"]) == 0


def changed(bundle: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """A bundle with changed members and right checksums."""
    with zipfile.ZipFile(bundle) as file:
        members = {name: file.read(name) for name in file.namelist() if name != "bundle.json"}
    change(members)
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}
    members["bundle.json"] = json.dumps({"format": 1, "sha256": sums}).encode()
    with zipfile.ZipFile("changed.zip", "w") as file:
        for name, data in members.items():
            file.writestr(name, data)
    return Path("changed.zip")


def test_reproduce_compares_on_our_side(run_with_plugin: Path, mark: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bundle is identical without trust; a plugin that replaces the comparison changes nothing."""
    assert cli(["bundle", "r", "--output", "r.zip"]) == 0
    assert cli(["reproduce", "r.zip"]) == 0
    found = capsys.readouterr()
    assert "Identical: " in found.out and "Same environment" in found.out and "| hello" in found.err

    def forge(members: dict[str, bytes]) -> None:
        members[NAME] += b"import nnlaw.nn.runs.reproduce as r\nr.compare = lambda a, b: a / 0\n"
        members["summary.json"] = json.dumps(json.loads(members["summary.json"]) | {"test_accuracy": 0.9991}).encode()

    assert cli(["reproduce", str(changed(Path("r.zip"), forge))]) == 1
    out = capsys.readouterr().out
    assert "recorded 99.91%" in out and "Identical" not in out and "Different" in out
    assert not mark.exists()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import os; os._exit(0)", "its own code called os._exit"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("import os; os.kill(os.getpid(), 9)", "its own code"),
        ("import sys; sys.exit(0)", "sys.exit(0)"),
        ("Absolute.forward = lambda self, x: 'text'", "r.zip: "),
    ],
)
def test_code_that_leaves_ends_in_a_sentence(
    run_with_plugin: Path, capsys: pytest.CaptureFixture[str], code: str, words: str
) -> None:
    """Exit code 2, never a result, from predict and reproduce."""
    assert cli(["bundle", "r", "--output", "r.zip"]) == 0
    forged = changed(Path("r.zip"), lambda members: members.update({NAME: members[NAME] + code.encode()}))
    capsys.readouterr()
    os.rename(forged, "r.zip")
    assert cli(["reproduce", "r.zip"]) == 2
    err = [line for line in capsys.readouterr().err.splitlines() if line.startswith("nn: ")]
    assert len(err) == 1 and words in err[0] and "internal error" not in err[0]


def test_replay_runs_plugins_in_a_sandbox(
    tiny_folder: Path, workplace: Path, mark: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A recorded failure is reproduced without trust."""
    text = PLUGIN.format(mark=str(mark)).replace("self.x = x\n", "self.x = x\n        x = x * np.float32(1e38)\n")
    Path("m.py").write_text(text)
    flags = ["--epochs", "1", "--layers", "dense:6 absolute dense:10", "--plugin", "m.py", "--lr", "1e30"]
    assert cli(["train", str(tiny_folder), *flags, "--run", "r"]) == 1
    mark.unlink()
    capsys.readouterr()
    assert cli(["replay", "r"]) == 1
    assert "Reproduced, law finite" in capsys.readouterr().out and not mark.exists()
