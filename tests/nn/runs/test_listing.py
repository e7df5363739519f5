"""The command nn runs."""

import json
import shutil
from pathlib import Path

import pytest

from nnlaw.cli.main import run as cli
from nnlaw.nn.run_folder.folder import Run

pytestmark = pytest.mark.usefixtures("hasty")


@pytest.mark.slow
def test_runs_are_listed_with_state_and_accuracy(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The states are finished, stopped, running, failed and unreadable; the newest run is last."""
    small = [str(tiny_folder), "--layers", "dense:12 relu dense:10", "--batch-size", "128", "--json", "--run"]
    assert cli(["runs"]) == 2
    assert "nn train" in capsys.readouterr().err
    assert cli(["train", *small, "runs/a", "--epochs", "2"]) == 0
    assert cli(["train", *small, "runs/b", "--epochs", "3", "--stop-after", "1"]) == 0
    assert cli(["train", *small, "runs/c", "--lr", "1e38", "--epochs", "2"]) == 1
    assert cli(["train", *small, "runs/d", "--epochs", "1", "--validation", "0"]) == 0
    assert cli(["train", *small, "runs/e", "--epochs", "1"]) == 0
    (workplace / "runs/e/checkpoint.safetensors").unlink()
    (workplace / "runs/no-run").mkdir()
    accuracy = json.loads((workplace / "runs/a/summary.json").read_text())["test_accuracy"]
    capsys.readouterr()
    assert cli(["runs", "--json"]) == 0
    rows = {row["run"]: row for row in json.loads(capsys.readouterr().out)}
    assert list(rows) == [f"runs/{name}" for name in "abcde"]
    states = [row["state"] for row in rows.values()]
    assert states == ["finished", "stopped at epoch 1 of 3", "failed: finite", "finished", "unreadable"]
    assert rows["runs/a"]["test_accuracy"] == accuracy and rows["runs/a"]["optimizer"] == "sgd"
    assert rows["runs/b"]["test_accuracy"] is None and rows["runs/b"]["val_accuracy"] is not None
    assert rows["runs/d"]["val_accuracy"] is None
    with Run(workplace / "runs/b").locked(), Run(workplace / "runs/e").locked():
        assert cli(["runs"]) == 0
    out = capsys.readouterr().out
    assert "running, epoch 2 of 3" in out and f"{accuracy:.2%}" in out and "failed: finite" in out
    assert len(out.splitlines()) == 6
    (workplace / "runs/c/failure/signature.json").write_text("{}")
    assert cli(["runs"]) == 0
    assert "not a failure report" in capsys.readouterr().out


@pytest.mark.parametrize(
    "damage",
    [
        ("summary.json", b'{"test_accuracy": "0.9"}'), ("summary.json", b'{"test_accuracy": []}'),
        ("summary.json", b'{"test_accuracy": NaN}'), ("summary.json", b'{"test_accuracy": 1' + b"0" * 400 + b"}"),
        ("summary.json", b"[" * 200_000), ("summary.json", b"\xff"), ("record.json", b"[]"), ("config.toml", b"\x00"),
        ("checkpoint.safetensors", b""), ("failure", b"a file"),
    ],
    ids=lambda damage: f"{damage[0]} {damage[1][:24]!r}",
)  # fmt: skip
def test_one_damaged_run_never_hides_the_others(
    stopped_run: Path, workplace: Path, capsys: pytest.CaptureFixture[str], damage: tuple[str, bytes]
) -> None:
    """It is listed with the reason, or as far as it can be read, in the table and as JSON."""
    for name in "ab":
        shutil.copytree(stopped_run, workplace / "runs" / name)
    (workplace / "runs" / "b" / damage[0]).write_bytes(damage[1])
    (workplace / "runs" / "c").mkdir()
    (workplace / "runs" / "c" / "config.toml").symlink_to("nowhere")
    assert cli(["runs"]) == 0 and cli(["runs", "--json"]) == 0
    out = capsys.readouterr().out
    table, _, rest = out.partition("\n[\n")
    rows = json.loads("[\n" + rest)
    stopped = [row["run"] for row in rows if row["state"].startswith("stopped")]
    assert "runs/a" in stopped and len(rows) == 3
    assert "runs/a" in table and "runs/b" in table
