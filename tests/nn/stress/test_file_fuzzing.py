"""Damaged files are read in worker processes; a reader that hangs, crashes or uses all memory is found."""

import sys
from pathlib import Path

import numpy as np
import pytest

from nnlaw.nn.stress.fuzzing import file_fuzzing
from nnlaw.nn.stress.fuzzing.file_fuzzing import fuzz
from nnlaw.nn.stress.fuzzing.formats import FORMATS
from nnlaw.nn.stress.scenario import Context, run_scenario, scenarios

pytestmark = pytest.mark.slow

READERS = '''
import os
import time

from nnlaw.nn.stress.fuzzing.formats import Format


def make(folder, variant):
    (folder / "a.bin").write_bytes(bytes(range(64)) * 2)


def unless_valid(read):
    def guarded(folder, name):
        if (folder / name).read_bytes() != bytes(range(64)) * 2:
            read(folder, name)
    return guarded


def loop(folder, name):
    while True:
        pass


READERS = {
    "traceback": lambda folder, name: [][1],
    "loop": loop,
    "wait": lambda folder, name: time.sleep(1000),
    "memory": lambda folder, name: bytearray(2**36),
    "crash": lambda folder, name: os.abort(),
}
FORMATS = {name: Format(name, make, unless_valid(read), "a.bin") for name, read in READERS.items()}
'''


@pytest.fixture
def failing_readers(empty_context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    """A context beside a module of readers with faults."""
    (tmp_path / "failing_readers.py").write_text(READERS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "failing_readers", raising=False)
    monkeypatch.setattr(file_fuzzing, "STARTUP", 30)
    return empty_context


@pytest.mark.parametrize(
    ("reader", "outcome", "words"),
    [
        ("traceback", "traceback", "IndexError"),
        ("loop", "hang", "timed out"),
        ("wait", "hang", "timed out"),
        ("memory", "memory", ""),
        ("crash", "crash", "SIGABRT"),
    ],
)
def test_a_reader_that_ends_its_process_is_found(
    failing_readers: Context, monkeypatch: pytest.MonkeyPatch, reader: str, outcome: str, words: str
) -> None:
    """The result has the file on which it failed."""
    monkeypatch.setattr(file_fuzzing, "WALL_TIME_FACTOR", 1 if reader == "wait" else 10)
    found = fuzz(failing_readers, reader, 1, "failing_readers", seconds=1)
    assert not found.as_expected and found.metrics[outcome] == 1
    assert words in found.metrics["faults"][0]["text"]
    assert found.arrays[f"{reader}-0"].dtype == np.uint8 and f"1 {outcome}" in found.text


def test_a_scenario_ends_after_some_crashes(failing_readers: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """All crashes until then are counted."""
    monkeypatch.setattr(file_fuzzing, "MAX_CRASHES", 2)
    found = fuzz(failing_readers, "crash", 50, "failing_readers", seconds=1)
    assert found.metrics["crash"] == 2 == found.metrics["mutations"]


def test_a_worker_that_does_not_start_raises(failing_readers: Context) -> None:
    """A bug in the scenario is not a fault of a reader."""
    with pytest.raises(RuntimeError, match="the worker failed before the first file"):
        fuzz(failing_readers, "no such format", 1, "failing_readers")


def test_each_format_has_a_scenario(empty_context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs in worker processes, passes, and counts the files."""
    assert {f"file-{name}" for name in FORMATS} <= set(scenarios())
    monkeypatch.setattr(file_fuzzing, "QUICK", 8)
    row = run_scenario(scenarios()["file-idx"], empty_context)
    assert row.outcome == "passed" and row.observation.metrics["mutations"] == 8
    assert row.observation.metrics["peak_mb"] > 0 and not row.observation.arrays
