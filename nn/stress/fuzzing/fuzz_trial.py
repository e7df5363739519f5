"""A damaged file is read among its valid neighbors, and judged: was it read, refused in one sentence, or neither?

    bench = Bench(FORMATS["idx"], folder, seed=0)
    bench.judge(bench.case(7)).outcome           "read", "refused", or one of FAULTS
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

from nnlaw.nn.stress.fuzzing.byte_mutators import mutate
from nnlaw.nn.stress.fuzzing.formats import Format
from nnlaw.spec.locations import PACKAGE
from nnlaw.spec.violation import MAX_LENGTH, BadInput, Violation

READ, REFUSED = "read", "refused"
TRACEBACK, MEMORY, HANG, CRASH, LOST, UNCLEAR = "traceback", "memory", "hang", "crash", "lost", "unclear"
FAULTS = (TRACEBACK, MEMORY, HANG, CRASH, LOST, UNCLEAR)
OURS = PACKAGE
IGNORED = (".lock",)  # held while a run is trained, and nobody's data
TRIES = 150  # readings that making a case smaller may take
Tree = dict[str, bytes]


@dataclass(frozen=True)
class Case:
    """One damaged file: which one of the format's, and its bytes. The same seed and index give the same."""

    name: str
    content: bytes


@dataclass(frozen=True)
class ReadResult:
    """How a reading ended: the outcome, the message, and the line of nn that it came from."""

    outcome: str
    text: str = ""
    location: str = ""


class Bench:
    """A folder in which a format's files are damaged and read: two valid sets, the case at hand, and room to work."""

    def __init__(self, format: Format, work: Path, seed: int) -> None:
        self.format, self.work, self.seed = format, work, seed
        for variant in (0, 1):
            if not (place := work / f"valid-{variant}").exists():
                place.mkdir(parents=True)
                format.make(place, variant)
        self.valid, self.other = (_tree(work / f"valid-{variant}") for variant in (0, 1))
        self.names = sorted(path.name for path in (work / "valid-0").glob(format.files) if path.name in self.valid)
        for name in ("tmp", "here"):
            (work / name).mkdir(exist_ok=True)
        self.fresh()
        self.around = {name: content for name, content in _tree(work).items() if not name.startswith("case/")}

    def check_valid_files(self) -> None:
        """Raises RuntimeError unless every undamaged file is read: a reader that refuses all would seem faultless."""
        for name in self.names:
            found = self.read_damaged(Case(name, self.valid[name]))
            if found.outcome != READ:
                raise RuntimeError(f"{self.format.name}: {name}, undamaged, is {found.outcome}: {found.text}")

    def case(self, index: int) -> Case:
        """The damaged file of this index."""
        rng = np.random.default_rng([self.seed, crc32(self.format.name.encode()), index])
        name = self.names[rng.integers(len(self.names))]
        return Case(name, mutate(name, self.valid[name], self.other.get(name, b""), rng))

    def read_damaged(self, case: Case) -> ReadResult:
        """Read the damaged file among its valid neighbors, and see what became of all files."""
        place = self.work / "case"
        (place / case.name).write_bytes(case.content)
        found = reading(lambda: self.format.read(place, case.name))
        lost = self._lost(case, found.outcome)
        if lost or self.format.writes:
            self.fresh()
        else:
            (place / case.name).write_bytes(self.valid[case.name])
        return ReadResult(LOST, lost, found.location) if lost and found.outcome not in FAULTS else found

    def fresh(self) -> None:
        """The valid files stand in the case folder again, and nothing else."""
        shutil.rmtree(self.work / "case", ignore_errors=True)
        shutil.copytree(self.work / "valid-0", self.work / "case")

    def smallest(self, case: Case, found: ReadResult) -> Case:
        """The case without whatever it fails without, as far as a few tries can tell."""
        tries, size = TRIES, len(case.content) // 2
        while size and tries:
            at = 0
            while at < len(case.content) and tries:
                less, tries = Case(case.name, case.content[:at] + case.content[at + size :]), tries - 1
                if alike(self.read_damaged(less), found):
                    case = less
                else:
                    at += size
            size //= 2
        return case

    def _lost(self, case: Case, outcome: str) -> str:
        """What happened to files that should not have, or nothing."""
        now = _tree(self.work)
        here = {name.removeprefix("case/"): now[name] for name in now if name.startswith("case/")}
        needed = self.valid | {case.name: case.content}
        if self.format.writes and outcome == READ:
            needed = {name: here.get(name, b"") for name in needed if name in here or name != "summary.json"}
            here = {name: content for name, content in here.items() if name in needed or name.startswith(".")}
            gone = sorted(set(self.valid) - set(here))
            return f"{gone[0]} is gone" if gone else _difference(needed, here)
        around = {name: content for name, content in now.items() if not name.startswith("case/")}
        return _difference(needed, here) or _difference(self.around, around)


def reading(read: Callable[[], Any]) -> ReadResult:
    """What came of a reading: a value, a refusal in one clear sentence, or a fault."""
    try:
        with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
            read()
    except (BadInput, Violation) as reason:
        text = str(reason)
        clear = isinstance(reason, Violation) or (text.isprintable() and 0 < len(text) <= MAX_LENGTH)
        return ReadResult(REFUSED if clear else UNCLEAR, text[:MAX_LENGTH], _line_of_ours(reason))
    except MemoryError as error:
        return ReadResult(MEMORY, str(error)[:MAX_LENGTH], _line_of_ours(error))
    except BaseException as error:  # SystemExit and its like, too
        return ReadResult(TRACEBACK, f"{type(error).__name__}: {error}"[:MAX_LENGTH], _line_of_ours(error))
    return ReadResult(READ)


def alike(one: ReadResult, two: ReadResult) -> bool:
    """Whether two faults are the same: outcome, line of ours, and kind of exception."""
    kinds = [row.text.partition(":")[0] if row.outcome == TRACEBACK else "" for row in (one, two)]
    return (one.outcome, one.location, kinds[0]) == (two.outcome, two.location, kinds[1])


def _line_of_ours(error: BaseException) -> str:
    frames = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).is_relative_to(OURS)]
    own = [f for f in frames if "stress" not in f.filename and "site-packages" not in f.filename] or frames
    return f"{Path(own[-1].filename).relative_to(OURS)}:{own[-1].lineno}" if own else ""


def _tree(folder: Path) -> Tree:
    files = (path for path in folder.rglob("*") if path.is_symlink() or path.is_file())
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in files if path.name not in IGNORED
    }


def _difference(needed: Tree, found: Tree) -> str:
    for name in sorted(needed.keys() | found.keys()):
        if needed.get(name) != found.get(name):
            what = "is gone" if name not in found else "was left behind" if name not in needed else "was changed"
            return f"{name[:200]} {what}"
    return ""
