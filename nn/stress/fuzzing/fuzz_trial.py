"""Read damaged files of one format among valid ones, and classify each result: read, refused, or a fault.

    trial = FuzzTrial(FORMATS["idx"], folder, seed=0)
    trial.read(trial.damaged_file(7)).outcome           READ, REFUSED, or one of FAULTS
"""

from __future__ import annotations

import shutil
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from nnlaw.nn.stress.fuzzing.formats import Format
from nnlaw.nn.stress.fuzzing.mutators import mutate
from nnlaw.spec.locations import PACKAGE
from nnlaw.spec.violation import MAX_LENGTH, BadInput, Violation

READ, REFUSED = "read", "refused"
TRACEBACK, MEMORY, HANG, CRASH, LOST, UNCLEAR = "traceback", "memory", "hang", "crash", "lost", "unclear"
FAULTS = (TRACEBACK, MEMORY, HANG, CRASH, LOST, UNCLEAR)
IGNORED = (".lock",)  # of a run during training; it has no content
MAX_READS = 150  # readings allowed to minimize one file
Files = dict[str, bytes]


@dataclass(frozen=True)
class DamagedFile:
    """One file of a format, and its damaged content."""

    name: str
    content: bytes


@dataclass(frozen=True)
class ReadResult:
    """How a reading ended: the outcome, the message, the line of nn that raised, and the type of the exception."""

    outcome: str
    text: str = ""
    location: str = ""
    exception: str = ""

    def same_fault(self, other: ReadResult) -> bool:
        """Whether outcome, line and type of exception are the same."""
        return (self.outcome, self.location, self.exception) == (other.outcome, other.location, other.exception)


class FuzzTrial:
    """A folder in which files of a format are damaged and read.

    It has two valid sets (valid-0, valid-1), the set with the damaged file (case), and folders for other files.
    """

    def __init__(self, format: Format, work: Path, seed: int) -> None:
        self.format, self.work, self.seed = format, work, seed
        for variant in (0, 1):
            if not (place := work / f"valid-{variant}").exists():
                place.mkdir(parents=True)
                format.make(place, variant)
        self.valid, self.other = (_files_in(work / f"valid-{variant}") for variant in (0, 1))
        self.names = sorted(path.name for path in (work / "valid-0").glob(format.files) if path.name in self.valid)
        for name in ("tmp", "here"):
            (work / name).mkdir(exist_ok=True)
        self.restore()
        self.around = {name: content for name, content in _files_in(work).items() if not name.startswith("case/")}

    def check_valid_files(self) -> None:
        """Raises RuntimeError unless every valid file is read: otherwise a reader that refuses all would pass."""
        for name in self.names:
            found = self.read(DamagedFile(name, self.valid[name]))
            if found.outcome != READ:
                raise RuntimeError(f"{self.format.name}: {name}, undamaged, is {found.outcome}: {found.text}")

    def damaged_file(self, index: int) -> DamagedFile:
        """The damaged file of this index; the same for the same seed."""
        rng = np.random.default_rng([self.seed, crc32(self.format.name.encode()), index])
        name = self.names[rng.integers(len(self.names))]
        return DamagedFile(name, mutate(name, self.valid[name], self.other.get(name, b""), rng))

    def read(self, damaged: DamagedFile) -> ReadResult:
        """Read the damaged file among valid ones, and check that no other file was lost, changed or left behind."""
        place = self.work / "case"
        (place / damaged.name).write_bytes(damaged.content)
        found = read_result(lambda: self.format.read(place, damaged.name))
        lost = self._changed_files(damaged, found.outcome)
        if lost or self.format.writes:
            self.restore()
        else:
            (place / damaged.name).write_bytes(self.valid[damaged.name])
        return ReadResult(LOST, lost, found.location) if lost and found.outcome not in FAULTS else found

    def restore(self) -> None:
        """Put the valid files back into the case folder, and remove all others."""
        shutil.rmtree(self.work / "case", ignore_errors=True)
        shutil.copytree(self.work / "valid-0", self.work / "case")

    def minimize(self, damaged: DamagedFile, result: ReadResult) -> DamagedFile:
        """A smaller file with the same fault, found by removing blocks; at most MAX_READS readings."""
        left, size = MAX_READS, len(damaged.content) // 2
        while size and left:
            at = 0
            while at < len(damaged.content) and left:
                content = damaged.content[:at] + damaged.content[at + size :]
                smaller, left = DamagedFile(damaged.name, content), left - 1
                if self.read(smaller).same_fault(result):
                    damaged = smaller
                else:
                    at += size
            size //= 2
        return damaged

    def _changed_files(self, damaged: DamagedFile, outcome: str) -> str:
        """A file that was lost, changed or left behind, in words; empty if there is no such file."""
        now = _files_in(self.work)
        here = {name.removeprefix("case/"): now[name] for name in now if name.startswith("case/")}
        expected = self.valid | {damaged.name: damaged.content}
        if self.format.writes and outcome == READ:
            expected = {name: here.get(name, b"") for name in expected if name in here or name != "summary.json"}
            here = {name: content for name, content in here.items() if name in expected or name.startswith(".")}
            gone = sorted(set(self.valid) - set(here))
            return f"{gone[0]} is gone" if gone else _difference(expected, here)
        around = {name: content for name, content in now.items() if not name.startswith("case/")}
        return _difference(expected, here) or _difference(self.around, around)


def read_result(read: Callable[[], Any]) -> ReadResult:
    """The result of calling `read`: a value, a refusal in one clear sentence, or a fault."""
    try:
        with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
            read()
    except (BadInput, Violation) as reason:
        text = str(reason)
        clear = isinstance(reason, Violation) or (text.isprintable() and 0 < len(text) <= MAX_LENGTH)
        return _raised(REFUSED if clear else UNCLEAR, text, reason)
    except MemoryError as error:
        return _raised(MEMORY, str(error), error)
    except BaseException as error:  # also SystemExit
        return _raised(TRACEBACK, f"{type(error).__name__}: {error}", error)
    return ReadResult(READ)


def _raised(outcome: str, text: str, error: BaseException) -> ReadResult:
    return ReadResult(outcome, text[:MAX_LENGTH], _line_in_nn(error), type(error).__name__)


def _line_in_nn(error: BaseException) -> str:
    frames = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).is_relative_to(PACKAGE)]
    own = [f for f in frames if "stress" not in f.filename and "site-packages" not in f.filename] or frames
    return f"{Path(own[-1].filename).relative_to(PACKAGE)}:{own[-1].lineno}" if own else ""


def _files_in(folder: Path) -> Files:
    files = (path for path in folder.rglob("*") if path.is_symlink() or path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files if path.name not in IGNORED}


def _difference(expected: Files, found: Files) -> str:
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            what = "is gone" if name not in found else "was left behind" if name not in expected else "was changed"
            return f"{name[:200]} {what}"
    return ""
