"""nn predict as a user meets it: files, folders, refusals, and what a script gets."""

import json
import re
from functools import cache
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
from PIL import Image

from nnlaw.cli.main import run
from nnlaw.nn.data.synthetic.digits import generate_digits
from nnlaw.nn.runs.predictor import Predictor

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def trained(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on a few built-in digits."""
    folder = tmp_path_factory.mktemp("predict") / "run"
    assert run(["train", str(tiny_folder), "--epochs", "5", "--lr", "0.05", "--json", "--run", str(folder)]) == 0
    return folder


@pytest.fixture
def pictures(tmp_path: Path, capsys: Capture) -> Path:
    """A folder with a digit, a blank sheet, and a file that is not a picture."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.fromarray(digits(1)[0]).save(folder / "a.png")
    Image.new("L", (60, 60), 200).save(folder / "b.jpg")
    (folder / "c.gif").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("not looked at")
    return folder


@cache
def digits(count: int) -> np.ndarray:
    """Built-in digits (N, 28, 28)."""
    return generate_digits(seed=3, train=600, test=100).train_images[:count]


def test_a_picture_is_shown_and_read(trained: Path, pictures: Path, capsys: Capture) -> None:
    """The 28 lines that the network saw, the prediction with its confidence, and all probabilities."""
    assert run(["predict", str(pictures / "a.png"), "--run", str(trained)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == f"{pictures / 'a.png'}:"
    assert any("█" in line for line in lines[2:30]) and all(re.fullmatch("[ ░▒▓█]*", line) for line in lines[2:30])
    assert re.fullmatch(r"Prediction: \d \(confidence: \d+\.\d%\)", lines[30])
    assert re.fullmatch(r"Probabilities: \[(\d\.\d{3}, ){9}\d\.\d{3}\]", lines[31])
    assert len(lines) == 42


def test_one_bad_file_does_not_stop_the_rest(trained: Path, pictures: Path, capsys: Capture) -> None:
    """All files of a folder are read; refusals and unreadable files go to standard error; exit code 2 wins over 1."""
    Image.fromarray(digits(2)[1]).save(pictures / "d.webp", lossless=True)
    assert run(["predict", str(pictures), "--run", str(trained)]) == 2
    out, err = capsys.readouterr()
    rows = [line.split() for line in out.splitlines()[2:]]
    assert [row[3:] for row in rows] == [[], ["refused"], ["not", "readable"], []] or "unsure" in out
    assert [len(row[0]) for row in rows] == [1] * 4 and rows[0][1].endswith("%")
    assert len(err.splitlines()) == 2 and "b.jpg: no strokes found" in err and "c.gif: not a readable picture" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("names", "code"),
    [(["a.png"], 0), (["b.jpg"], 1), (["c.gif"], 2), (["c.gif", "b.jpg"], 2), (["a.png", "b.jpg"], 1), (["gone"], 2)],
)
def test_exit_codes(trained: Path, pictures: Path, names: list[str], code: int) -> None:
    """0 all read, 1 one was refused, 2 one could not be read; the greatest wins."""
    assert run(["predict", *(str(pictures / name) for name in names), "--run", str(trained), "--json"]) == code


def test_a_guess_is_refused(
    trained: Path, pictures: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below 45% of the run's test accuracy the exit code is 1, and the message has the two likeliest digits."""
    accuracy = json.loads((trained / "summary.json").read_text())["test_accuracy"]
    for confidence, code in ((0.45 * accuracy - 0.01, 1), (0.45 * accuracy + 0.01, 0)):
        guess = np.full(10, (1 - confidence) / 9)
        guess[4] = confidence
        guess[9] += 1e-6
        monkeypatch.setattr(Predictor, "probabilities", lambda self, image, guess=guess: guess)
        assert run(["predict", str(pictures / "a.png"), "--run", str(trained)]) == code
        error = capsys.readouterr().err
        assert bool(re.search(r"a\.png: the network is unsure what it shows: 4 \(\d+%\) or 9", error)) == code


def test_json_has_a_row_for_every_picture(trained: Path, pictures: Path, capsys: Capture) -> None:
    """Scripts get one list in the order of the files, errors included, and nothing else on the output."""
    assert run(["predict", str(pictures), str(pictures / "gone"), "--run", str(trained), "--json"]) == 2
    good, *bad = json.loads(capsys.readouterr().out)
    assert good["file"] == str(pictures / "a.png") and good["prediction"] in "0123456789"
    assert abs(sum(good["probabilities"]) - 1) < 1e-5 and good["confidence"] == max(good["probabilities"])
    assert [Path(row["file"]).name for row in bad] == ["b.jpg", "c.gif", "gone"]
    assert all(set(row) == {"file", "error"} for row in bad)


def test_all_reads_several_digits_in_order(trained: Path, tmp_path: Path, capsys: Capture) -> None:
    """Two digits side by side are refused with a hint; with --all each is predicted as it is alone."""
    both = digits(2)
    for name, image in {"a": both[0], "b": both[1], "ab": np.hstack(list(both))}.items():
        Image.fromarray(255 - image).save(tmp_path / f"{name}.png")
    path = str(tmp_path / "ab.png")
    assert run(["predict", path, "--run", str(trained)]) == 1
    assert "it shows 2 digits, expected one; use --all to read them" in capsys.readouterr().err
    assert run(["predict", path, "--run", str(trained), "--all", "--json"]) == 0
    together = json.loads(capsys.readouterr().out)
    assert run(["predict", str(tmp_path / "a.png"), str(tmp_path / "b.png"), "--run", str(trained), "--json"]) == 0
    apart = json.loads(capsys.readouterr().out)
    assert [row["place"] for row in together] == [1, 2]
    assert [row["prediction"] for row in together] == [row["prediction"] for row in apart]
    assert run(["predict", path, "--run", str(trained), "--all"]) == 0
    read = " ".join(row["prediction"] for row in together)
    assert f"In order: {read}" in capsys.readouterr().out


def changed(trained: Path, folder: Path, **record: object) -> Path:
    """A copy of the run, its record changed; None leaves a key out."""
    copytree(trained, folder)
    found = json.loads((folder / "record.json").read_text()) | record
    (folder / "record.json").write_text(json.dumps({key: v for key, v in found.items() if v is not None}))
    return folder


def test_classes_are_called_as_the_run_recorded(trained: Path, pictures: Path, tmp_path: Path, capsys: Capture) -> None:
    """Class names of any length are printed in the prediction and beside the bars."""
    names = ["T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"]
    folder = changed(trained, tmp_path / "named", classes=names)
    assert run(["predict", str(pictures / "a.png"), "--run", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["prediction"] in names
    assert run(["predict", str(pictures / "a.png"), "--run", str(folder)]) == 0
    assert re.search(r"^  ankle boot .{40} +\d+\.\d%$", capsys.readouterr().out, re.M)


def test_the_frame_of_the_training_images_is_recorded(
    trained: Path, pictures: Path, tmp_path: Path, capsys: Capture
) -> None:
    """A run records how its images were framed; older runs are read as MNIST; an invalid record is refused."""
    frame = {"height": 28, "width": 28, "box": 20, "by_mass": True}
    assert json.loads((trained / "record.json").read_text())["frame"] == frame
    path = str(pictures / "a.png")
    assert run(["predict", path, "--run", str(changed(trained, tmp_path / "old", frame=None)), "--json"]) == 0
    full = changed(trained, tmp_path / "full", frame=frame | {"box": 28, "by_mass": False})
    assert run(["predict", path, "--run", str(full), "--json"]) == 0
    capsys.readouterr()
    for i, nonsense in enumerate([{"sides": 3}, frame | {"box": 0}, [1], frame | {"width": "wide"}]):
        assert run(["predict", path, "--run", str(changed(trained, tmp_path / f"n{i}", frame=nonsense))]) == 2
        assert "frame is not valid" in capsys.readouterr().err


def test_a_run_on_pictures_of_another_size_is_refused(
    trained: Path, pictures: Path, tmp_path: Path, capsys: Capture
) -> None:
    """A recorded frame that does not fit the network is refused in one sentence."""
    frame = {"height": 30, "width": 28, "box": 20, "by_mass": True}
    assert run(["predict", str(pictures / "a.png"), "--run", str(changed(trained, tmp_path / "r", frame=frame))]) == 2
    assert "the picture has 840 pixels, but the network has 784 inputs" in capsys.readouterr().err


def test_predict_without_a_run_names_the_command_to_use(workplace: Path, capsys: Capture) -> None:
    """Without any run, predict names the command that makes one."""
    assert run(["predict", "digit.png"]) == 2
    assert "nn train" in capsys.readouterr().err


def test_the_newest_run_is_read_by_default(
    trained: Path, pictures: Path, workplace: Path, capsys: Capture
) -> None:
    """Without --run the run whose weights were written last is used, and named."""
    copytree(trained, workplace / "runs" / "mine")
    assert run(["predict", str(pictures / "a.png")]) == 0
    assert "of runs/mine" in capsys.readouterr().out
