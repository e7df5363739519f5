"""Damaged files are read, refused in one sentence, or a fault; the built-in readers have no faults."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nnlaw.nn.stress.fuzzing.formats import FORMATS, Format
from nnlaw.nn.stress.fuzzing.fuzz_trial import DamagedFile, FuzzTrial, ReadResult, read_result
from nnlaw.spec.violation import BadInput

FILES = 12


def make(folder: Path, variant: int) -> None:
    """Two small valid files."""
    (folder / "a.bin").write_bytes(bytes(range(64)) * 2)
    (folder / "b.bin").write_bytes(bytes(64))


def refuse(text: str) -> Callable[[Path, str], None]:
    """A reader that refuses every file."""

    def read(folder: Path, name: str) -> None:
        raise BadInput(text)

    return read


READERS: dict[str, Callable[[Path, str], Any]] = {
    "exit": lambda folder, name: exit(),
    "deletes another file": lambda folder, name: (folder / "b.bin").unlink(),
    "leaves a file": lambda folder, name: (folder / ".a.bin.tmp").write_bytes(b"half"),
    "writes outside": lambda folder, name: (folder.parent / "evil").write_bytes(b""),
    "changes the file": lambda folder, name: (folder / name).write_bytes(b""),
    "empty message": refuse(""),
}


@pytest.mark.parametrize(
    ("reader", "outcome", "words"),
    [
        ("exit", "traceback", "SystemExit"),
        ("deletes another file", "lost", "b.bin is gone"),
        ("leaves a file", "lost", ".a.bin.tmp was left behind"),
        ("writes outside", "lost", "evil was left behind"),
        ("changes the file", "lost", "a.bin was changed"),
        ("empty message", "unclear", ""),
    ],
)
def test_faults_of_a_reader_are_found(tmp_path: Path, reader: str, outcome: str, words: str) -> None:
    """An exit, files that are lost, changed or left behind, and a refusal without a message."""

    def read(folder: Path, name: str) -> None:
        if (folder / name).read_bytes() != bytes(range(64)) * 2:
            READERS[reader](folder, name)

    trial = FuzzTrial(Format(reader, make, read, "a.bin"), tmp_path, 0)
    trial.check_valid_files()
    found = trial.read(trial.damaged_file(0))
    assert found.outcome == outcome and words in found.text
    assert {path.name for path in (tmp_path / "case").iterdir()} == {"a.bin", "b.bin"}


def test_a_failing_file_is_minimized(tmp_path: Path) -> None:
    """Bytes that the fault does not need are removed."""

    def read(folder: Path, name: str) -> None:
        content = (folder / name).read_bytes()
        if 255 in content:
            raise KeyError(255)
        if len(content) < 100:
            raise BadInput("short, expected more")

    trial = FuzzTrial(Format("byte 255", make, read, "a.bin"), tmp_path, 0)
    damaged = DamagedFile("a.bin", bytes(300) + b"\xff" + bytes(200))
    found = trial.read(damaged)
    assert found.outcome == "traceback" and trial.minimize(damaged, found).content == b"\xff"


def test_a_reader_must_read_valid_files(tmp_path: Path) -> None:
    """A reader that refuses all files has no faults, so this is checked first."""
    with pytest.raises(RuntimeError, match="undamaged, is refused: no"):
        FuzzTrial(Format("refuses all", make, refuse("no")), tmp_path, 0).check_valid_files()


@pytest.mark.slow
@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("name", FORMATS)
def test_damaged_files_are_read_or_refused(name: str, tmp_path: Path) -> None:
    """Every built-in reader, on a dozen damaged files and on the valid ones."""
    trial = FuzzTrial(FORMATS[name], tmp_path, 11)
    trial.check_valid_files()
    found = {i: trial.read(trial.damaged_file(i)) for i in range(FILES)}
    assert not {i: row for i, row in found.items() if row.outcome not in ("read", "refused")}


def test_a_seed_gives_the_same_damage(tmp_path: Path) -> None:
    """The same seed and index give the same damaged file, another index gives another."""
    one, two = (FuzzTrial(FORMATS["idx"], tmp_path / name, 4) for name in ("one", "two"))
    assert [one.damaged_file(i) for i in range(20)] == [two.damaged_file(i) for i in range(20)]
    assert len({one.damaged_file(i).content for i in range(20)}) > 15


def test_results_are_classified() -> None:
    """A value is read, one clear sentence is a refusal, anything else is a fault."""

    def fail(error: BaseException) -> Any:
        raise error

    assert read_result(lambda: 1) == ReadResult("read")
    assert read_result(lambda: fail(BadInput("x is 1, expected 2"))).outcome == "refused"
    assert read_result(lambda: fail(ValueError("x"))).exception == "ValueError"
    assert read_result(lambda: fail(MemoryError())).outcome == "memory"
    assert read_result(lambda: fail(RecursionError())).outcome == "traceback"
