"""One short run of each command, on every Python."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nnlaw.cli.main import COMMANDS, run

pytestmark = [pytest.mark.slow, pytest.mark.smoke]
VERSION_0_1 = Path(__file__).parent.parent / "fixtures" / "version_0_1"
STEPS: dict[str, tuple[list[str], int]] = {
    "digits": (["--count", "140", "made"], 0),
    "train": (["digits", "--epochs", "1", "--run", "one", "--strict"], 0),
    "predict": (["digit.png", "--run", "one"], 0),
    "runs": (["."], 0),
    "bundle": (["one"], 0),
    "reproduce": (["one.zip", "--data", "digits"], 0),
    "replay": (["failure"], 1),
    "verify": (["relu"], 0),
    "new": (["layer", "swish"], 0),
    "plugins": ([], 0),
    "laws": (["stale-gradient"], 0),
    "trace": ([], 0),
    "stress": (["one", "--scenario", "edge-plain"], 0),
    "fetch": (["here", "--mirror", "http://127.0.0.1:9/nothing"], 2),
    "bench": (["--rounds", "0"], 2),
    "grade": (["nowhere"], 2),
}


def test_every_command_runs(
    tiny_folder: Path, workplace: Path, curves: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each command ends with the expected exit code, in the order in which they need each other's files."""
    shutil.copytree(tiny_folder, "digits")
    shutil.copytree(VERSION_0_1 / "failure", "failure")
    shutil.copytree(VERSION_0_1 / "plugins", "plugins")
    shutil.copy(VERSION_0_1 / "digits.npz", ".")
    image = np.full((28, 28), 255, np.uint8)
    image[4:24, 13:16] = 0
    Image.fromarray(image).save("digit.png")
    assert set(STEPS) == set(COMMANDS)
    for command, (arguments, expected) in STEPS.items():
        code = run([command, *arguments])
        captured = capsys.readouterr()
        assert code == expected, (command, captured.out[-500:], captured.err)
