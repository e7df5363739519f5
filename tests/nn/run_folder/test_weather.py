"""Run folders that are renamed, removed or linked elsewhere while they are used."""

import os
import time
from pathlib import Path

import pytest

from nnlaw.nn.run_folder import folder as folder_module
from nnlaw.nn.run_folder.folder import Run, newest_run
from nnlaw.spec.violation import BadInput


@pytest.mark.parametrize("change", ["renamed", "removed", "replaced", "unlocked"])
def test_a_folder_that_is_gone_is_not_made_anew(tmp_path: Path, change: str) -> None:
    """Writing ends with a sentence if the folder or its lock was renamed or removed, or another one took its place."""
    run = Run(tmp_path / "r")
    run.folder.mkdir()
    with run.locked():
        run.write("a", b"x")
        if change == "unlocked":
            (run.folder / ".lock").unlink()
        else:
            run.folder.rename(tmp_path / "elsewhere")
        if change == "replaced":
            run.folder.mkdir()
            (run.folder / ".lock").touch()
        for write in (lambda: run.write("b/c", b"x"), lambda: run.append_lines("d", [{}])):
            with pytest.raises(BadInput, match="renamed or removed during the training"):
                write()
    assert run.folder.exists() == (change in ("replaced", "unlocked"))
    assert not (run.folder / "b").exists() and not (run.folder / "d").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_links_and_pipes_in_a_run_folder_are_refused(tmp_path: Path) -> None:
    """Nothing outside the folder is written, truncated or locked, and nothing blocks."""
    (tmp_path / "mine").write_text("dear")
    (tmp_path / "outside").mkdir()
    run = Run(tmp_path / "r")
    run.folder.mkdir()
    for name in (".lock", "metrics.jsonl", "config.toml"):
        (run.folder / name).symlink_to(tmp_path / "mine")
    (run.folder / "failure").symlink_to(tmp_path / "outside")
    os.mkfifo(run.folder / "pipe")
    for call in (
        lambda: run.append_lines("metrics.jsonl", [{}]),
        lambda: run.truncate("metrics.jsonl", 1),
        lambda: run.write("config.toml", b"x"),
        lambda: run.write("failure/a.py", b"x"),
        lambda: run.append_lines("pipe", [{}]),
        lambda: run.locked().__enter__(),
    ):
        with pytest.raises(BadInput):
            call()
    assert (tmp_path / "mine").read_text() == "dear" and not list((tmp_path / "outside").iterdir())
    assert not run.busy


def test_leftovers_of_a_killed_training_are_removed(tmp_path: Path) -> None:
    """When the folder is locked again."""
    (tmp_path / ".checkpoint.safetensors.0123abcd.tmp").write_bytes(b"half")
    with Run(tmp_path).locked():
        assert os.listdir(tmp_path) == [".lock"]


def test_a_time_in_the_future_is_not_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a link that leads nowhere end the command."""
    monkeypatch.setattr(folder_module, "RUNS", tmp_path)
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        if name != "c":
            (tmp_path / name / "weights.safetensors").touch()
    (tmp_path / "c" / "weights.safetensors").symlink_to("nowhere")
    os.utime(tmp_path / "b" / "weights.safetensors", (time.time() + 1e9,) * 2)
    assert newest_run().folder == tmp_path / "a"
