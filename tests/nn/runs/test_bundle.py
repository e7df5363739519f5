"""The commands nn bundle and nn reproduce."""

import hashlib
import json
import shutil
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nnlaw.cli.main import run as cli

pytestmark = pytest.mark.usefixtures("hasty")

PLUGIN = """
from nn import layer
from spec import obeys
import numpy as np


@layer("twice")
@obeys("N n -> N n")
class Twice:
    def forward(self, x):
        return 2 * x

    def backward(self, dy):
        return 2 * dy
"""


@pytest.fixture(scope="module")
def made(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of three epochs, whose plugin has been deleted, and its bundle."""
    place = tmp_path_factory.mktemp("made")
    plugin = place / "mine.py"
    plugin.write_text(PLUGIN)
    flags = ["--epochs", "3", "--layers", "dense:12 twice relu dense:10", "--batch-size", "64"]
    assert cli(["train", str(tiny_folder), *flags, "--plugin", str(plugin), "--run", str(place / "r"), "--json"]) == 0
    plugin.unlink()
    assert cli(["bundle", str(place / "r"), "--output", str(place / "r.zip")]) == 0
    return place


def changed(bundle: Path, to: Path, edit: Callable[[dict[str, bytes]], None], sound: bool = True) -> Path:
    """A copy of a bundle with other members; its index matches them if `sound`."""
    with zipfile.ZipFile(bundle) as file:
        members = {name: file.read(name) for name in file.namelist()}
    edit(members)
    if sound and "bundle.json" in members:
        sums = {name: hashlib.sha256(members[name]).hexdigest() for name in members if name != "bundle.json"}
        members["bundle.json"] = json.dumps({"format": 1, "sha256": sums}).encode()
    with zipfile.ZipFile(to, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return to


def substitute(name: str, old: bytes, new: bytes) -> Callable[[dict[str, bytes]], None]:
    """An edit that replaces bytes in one member."""

    def edit(members: dict[str, bytes]) -> None:
        assert old in members[name]
        members[name] = members[name].replace(old, new, 1)

    return edit


def test_a_bundle_is_the_same_bytes_each_time(made: Path, workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Bundling again gives the same file, named after the run; another file is never overwritten."""
    for _ in range(2):
        assert cli(["bundle", str(made / "r")]) == 0
    assert (workplace / "r.zip").read_bytes() == (made / "r.zip").read_bytes()
    assert "nn reproduce r.zip" in capsys.readouterr().out
    (workplace / "mine.txt").write_text("dear")
    assert cli(["bundle", str(made / "r"), "--output", "mine.txt"]) == 2
    assert "mine.txt exists already" in capsys.readouterr().err
    assert cli(["bundle", str(made / "r"), "--output", "absent/r.zip"]) == 2
    assert "cannot be written" in capsys.readouterr().err
    assert cli(["bundle", str(made)]) == 2
    assert "is not a finished run" in capsys.readouterr().err


def test_a_bundle_is_reproduced_bit_for_bit(made: Path, workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On the same machine the result is identical, with the plugin in the bundle; no file is left behind."""
    assert cli(["reproduce", str(made / "r.zip")]) == 0
    assert "Identical: all 27 steps, weights and probabilities, bit for bit" in capsys.readouterr().out
    assert cli(["reproduce", str(made / "r.zip"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["outcome"] == "identical" and found["first_difference"] is None
    assert not list(workplace.iterdir())


def test_rounding_errors_are_within_band(made: Path, workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """If metrics differ in their last digits, the outcome is within band, exit code 0, with the first step that
    differs."""

    def edit(members: dict[str, bytes]) -> None:
        lines = members["metrics.jsonl"].splitlines()
        row = json.loads(lines[12])
        row["loss"] *= 1 + 1e-12
        lines[12] = json.dumps(row).encode()
        members["metrics.jsonl"] = b"\n".join(lines)
        members["record.json"] = members["record.json"].replace(b'"python": "3', b'"python": "2')

    bundle = changed(made / "r.zip", workplace / "b.zip", edit)
    assert cli(["reproduce", str(bundle)]) == 0
    out = capsys.readouterr().out
    assert "Within band from step 12 of 27, there by 1e-12" in out and "python: 2" in out


def test_metrics_that_are_not_numbers_are_different(
    made: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A loss recorded as NaN is within no band of the repeated one."""

    def edit(members: dict[str, bytes]) -> None:
        rows = [json.loads(line) for line in members["metrics.jsonl"].splitlines()]
        members["metrics.jsonl"] = b"\n".join(json.dumps(row | {"loss": float("nan")}).encode() for row in rows)

    bundle = changed(made / "r.zip", workplace / "b.zip", edit)
    assert cli(["reproduce", str(bundle)]) == 1
    assert "Different from step 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("member", "old", "new", "words"),
    [
        ("config.toml", b"lr = 0.01", b"lr = 0.02", "from step 1 of 27"),
        ("config.toml", b"schedule = \"constant\"", b"schedule = \"step:every=0.5\"", "from step 15 of 27"),
        ("config.toml", b"epochs = 3", b"epochs = 2", "from step 19 of 27"),
        ("summary.json", b'"test_accuracy": 0.', b'"test_accuracy": 0.0', "from step 27 of 27"),
    ],
)
def test_another_training_is_different(
    made: Path, workplace: Path, capsys: pytest.CaptureFixture[str], member: str, old: bytes, new: bytes, words: str
) -> None:
    """If metrics differ by more, the outcome is different, exit code 1, with the first step that differs."""
    bundle = changed(made / "r.zip", workplace / "b.zip", substitute(member, old, new))
    assert cli(["reproduce", str(bundle)]) == 1
    out = capsys.readouterr().out
    assert f"Different {words}" in out


def test_reproduce_needs_the_recorded_data(made: Path, workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Missing or other data exit with code 2 and one sentence."""
    import re

    def elsewhere(members: dict[str, bytes]) -> None:
        members["config.toml"] = re.sub(rb'data = ".*"', b'data = "nowhere"', members["config.toml"])

    bundle = changed(made / "r.zip", workplace / "b.zip", elsewhere)
    assert cli(["reproduce", str(bundle)]) == 2
    assert "give its path with --data" in capsys.readouterr().err
    bundle = changed(
        made / "r.zip", Path("c.zip"), substitute("record.json", b'"train_labels": "', b'"train_labels": "0')
    )
    assert cli(["reproduce", str(bundle)]) == 2
    assert "nn: c.zip: train_labels of" in capsys.readouterr().err


def drop(name: str) -> Callable[[dict[str, bytes]], None]:
    """An edit that leaves one member out."""
    return lambda members: members.pop(name) and None


def put(name: str, content: bytes) -> Callable[[dict[str, bytes]], None]:
    """An edit that adds or replaces one member."""
    return lambda members: members.update({name: content})


@pytest.mark.parametrize(
    ("edit", "sound", "words"),
    [
        (put("../evil.py", b""), True, "'../evil.py'"),
        (put("plugins/../../evil.py", b""), True, "not a bundle: unknown member"),
        (put("/tmp/evil.py", b""), True, "not a bundle: unknown member"),
        (put("plugins\\1-evil.py", b""), True, "not a bundle: unknown member"),
        (drop("config.toml"), True, "config.toml is missing"),
        (drop("plugins/1-mine.py"), True, "its plugin mine.py is missing"),
        (drop("bundle.json"), True, "bundle.json is missing"),
        (put("weights.safetensors", b"x"), False, "changed or damaged"),
        (put("bundle.json", b'{"format": 9}'), False, "format 9"),
        (put("bundle.json", b"{"), False, "bundle.json: not a readable JSON"),
        (put("weights.safetensors", b"x"), True, "safetensors"),
        (put("metrics.jsonl", b"{}\nnonsense\n"), True, "b.zip/metrics.jsonl: line 2"),
        (put("metrics.jsonl", b"[1]\n"), True, "b.zip/metrics.jsonl: line 1"),
        (put("corpus.safetensors", b"x" * 9), True, "corpus.safetensors"),
        (put("summary.json", b"{}"), True, "do not match the digest in summary.json"),
        (substitute("summary.json", b'"test_accuracy": 0', b'"test_accuracy": null, "was": 0'), True, "test_accuracy"),
    ],
)
def test_a_malformed_bundle_is_refused_in_one_sentence(
    made: Path,
    workplace: Path,
    capsys: pytest.CaptureFixture[str],
    edit: Callable[[dict[str, bytes]], None],
    sound: bool,
    words: str,
) -> None:
    """A bundle with an unknown, missing or corrupt member exits with code 2."""
    bundle = changed(made / "r.zip", Path("b.zip"), edit, sound)
    assert cli(["reproduce", str(bundle), "--json"]) == 2
    err = capsys.readouterr().err
    assert words in err and len(err.strip().splitlines()) == 1
    assert [path.name for path in workplace.iterdir()] == ["b.zip"]


def test_other_zip_files_are_refused_in_one_sentence(
    made: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Text, a truncated zip, a zip bomb, duplicate members and wrong sizes are refused before they are unpacked."""
    whole = (made / "r.zip").read_bytes()
    (workplace / "text.zip").write_text("nothing of the kind")
    (workplace / "cut.zip").write_bytes(whole[: len(whole) // 2])
    (workplace / "damaged.zip").write_bytes(whole[:2000] + b"damaged" + whole[2006:])
    with zipfile.ZipFile(made / "r.zip") as file:
        members = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(workplace / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in (members | {"metrics.jsonl": bytes(50_000_000)}).items():
            file.writestr(name, content)
    with zipfile.ZipFile(workplace / "twice.zip", "w") as file, warnings.catch_warnings(action="ignore"):
        for name in [*members, "config.toml"]:
            file.writestr(name, members[name])
    size = len(members["metrics.jsonl"]).to_bytes(4, "little")
    (workplace / "lies.zip").write_bytes(whole.replace(size, (10**9).to_bytes(4, "little")))
    for name, words in {
        "absent.zip": "no such file",
        "text.zip": "not a readable bundle",
        "cut.zip": "not a readable bundle",
        "damaged.zip": "Bad",
        "bomb.zip": "compressed",
        "twice.zip": "a member occurs twice",
        "lies.zip": "members are larger than its",
    }.items():
        assert cli(["reproduce", name]) == 2, name
        err = capsys.readouterr().err
        assert words in err and len(err.strip().splitlines()) == 1, err


def test_a_failed_law_is_reported(made: Path, workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """If the repeated training diverges, the failed law is shown, exit code 1, without a path to replay."""
    bundle = changed(made / "r.zip", workplace / "b.zip", substitute("config.toml", b"lr = 0.01", b"lr = 1e38"))
    assert cli(["reproduce", str(bundle), "--json"]) == 1
    err = capsys.readouterr().err
    assert "finite: " in err and "replay" not in err


@pytest.mark.parametrize(
    "name, damage, message",
    [
        ("weights.safetensors", lambda content: content[:-1] + bytes([content[-1] ^ 64]), "do not match the digest"),
        ("metrics.jsonl", lambda content: content.split(b"\n", 2)[2], "expected all of each"),
        ("metrics.jsonl", lambda content: content[: len(content) // 2], None),
        ("metrics.jsonl", lambda content: b"".join(content.splitlines(True)[-1:]), "0 steps and 1 epoch,"),
        ("corpus.safetensors", lambda content: content[:50], None),
        ("summary.json", lambda content: b"[]", None),
    ],
    ids=["weights", "first steps", "half of the metrics", "last epoch", "corpus", "summary"],
)
def test_a_damaged_run_is_not_packed(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, damage: Any, message: str | None
) -> None:
    """A file that was changed after the training is one clear sentence, and no bundle is written."""
    folder = tmp_path / "r"
    shutil.copytree(made / "r", folder)
    (folder / name).write_bytes(damage((folder / name).read_bytes()))
    assert cli(["bundle", str(folder), "--output", str(tmp_path / "r.zip")]) == 2
    printed = capsys.readouterr().err
    assert name.partition(".")[0] in printed and (message or "") in printed and not (tmp_path / "r.zip").exists()
