"""Damaged files are read or refused in one sentence; a reader that does anything else is seen."""

import gzip
import io
import json
import sys
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnlaw.nn.stress.fuzzing import file_fuzzing as files
from nnlaw.nn.stress.fuzzing.byte_mutators import BLIND, mutate
from nnlaw.nn.stress.fuzzing.file_fuzzing import damage
from nnlaw.nn.stress.fuzzing.formats import FORMATS, Format
from nnlaw.nn.stress.fuzzing.fuzz_trial import Bench, Case, ReadResult, reading
from nnlaw.nn.stress.fuzzing.mutators import TWISTS
from nnlaw.nn.stress.scenario import SCENARIOS, Context, run_scenario
from nnlaw.spec.violation import BadInput

CASES = 12

BROKEN = '''
import os
import time
from pathlib import Path

from nnlaw.nn.stress.fuzzing.formats import Format
from nnlaw.spec.violation import BadInput


def make(folder, variant):
    (folder / "a.bin").write_bytes(bytes(range(64)) * 2)
    (folder / "b.bin").write_bytes(bytes(64))


def unless_whole(read):
    def guarded(folder, name):
        content = (folder / name).read_bytes()
        if content != bytes(range(64)) * 2:
            read(folder, name)
    return guarded


def loop(folder, name):
    while True:
        pass


def rows():
    acts = {
        "traceback": lambda folder, name: [][1],
        "exit": lambda folder, name: exit(),
        "loop": loop,
        "wait": lambda folder, name: time.sleep(1000),
        "hog": lambda folder, name: bytearray(2**36),
        "crash": lambda folder, name: os.abort(),
        "neighbor": lambda folder, name: (folder / "b.bin").unlink(),
        "leftover": lambda folder, name: (folder / ".a.bin.tmp").write_bytes(b"half"),
        "outside": lambda folder, name: (folder.parent / "evil").write_bytes(b""),
        "in place": lambda folder, name: (folder / name).write_bytes(b""),
        "mute": lambda folder, name: (_ for _ in ()).throw(BadInput("")),
    }
    return [Format(name, make, unless_whole(act), "a.bin") for name, act in acts.items()]


FORMATS = {row.name: row for row in rows()}
'''


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    """A scene with a module of readers that are broken, each in its way."""
    (tmp_path / "broken_readers.py").write_text(BROKEN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "broken_readers", raising=False)
    monkeypatch.setattr(files, "STARTUP", 30)
    return Context(None, None, tmp_path)  # type: ignore[arg-type]  # these drills look at neither run nor split


@pytest.mark.parametrize(
    ("reader", "verdict", "words"),
    [
        ("traceback", "traceback", "IndexError"),
        ("loop", "hang", "in time"),
        ("wait", "hang", "in time"),
        ("hog", "memory", ""),
        ("crash", "crash", "SIGABRT"),
    ],
)
def test_a_broken_reader_is_caught(
    broken: Context, monkeypatch: pytest.MonkeyPatch, reader: str, verdict: str, words: str
) -> None:
    """Each way in which a reader can take its process down is seen, with the file that it failed on."""
    monkeypatch.setattr(files, "PATIENCE", 1 if reader == "wait" else 10)
    outcome = damage(broken, reader, 1, "broken_readers", seconds=1)
    assert not outcome.as_expected and outcome.metrics[verdict] == 1
    assert words in outcome.metrics["faults"][0]["text"]
    assert outcome.arrays[f"{reader}-0"].dtype == np.uint8 and f"1 {verdict}" in outcome.text


@pytest.mark.parametrize(
    ("reader", "verdict", "words"),
    [
        ("exit", "traceback", "SystemExit"),
        ("neighbor", "lost", "b.bin is gone"),
        ("leftover", "lost", ".a.bin.tmp was left behind"),
        ("outside", "lost", "evil was left behind"),
        ("in place", "lost", "a.bin was changed"),
        ("mute", "unclear", ""),
    ],
)
def test_a_careless_reader_is_caught(broken: Context, reader: str, verdict: str, words: str) -> None:
    """Lost, changed and forgotten files are seen, and a refusal that says nothing."""
    import broken_readers

    bench = Bench(broken_readers.FORMATS[reader], broken.folder / "work", 0)
    bench.check_valid_files()
    found = bench.read_damaged(bench.case(0))
    assert found.outcome == verdict and words in found.text
    assert {path.name for path in (broken.folder / "work" / "case").iterdir()} == {"a.bin", "b.bin"}


def test_a_reader_that_kills_each_worker_is_given_up(broken: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a few deaths the drill ends, and tells of each."""
    monkeypatch.setattr(files, "MOST", 2)
    outcome = damage(broken, "crash", 50, "broken_readers", seconds=1)
    assert outcome.metrics["crash"] == 2 == outcome.metrics["mutations"]


class Picky:
    """A format whose reader fails on one byte, and otherwise refuses or reads."""

    @staticmethod
    def make(folder: Path, variant: int) -> None:
        (folder / "a").write_bytes(bytes(range(200)))

    @staticmethod
    def read(folder: Path, name: str) -> None:
        content = (folder / name).read_bytes()
        if 255 in content:
            raise KeyError(255)
        if len(content) < 100:
            raise BadInput("short, expected more")


def test_a_failing_case_is_made_small(tmp_path: Path) -> None:
    """What a case fails without is taken away."""
    bench = Bench(Format("picky", Picky.make, Picky.read), tmp_path, 0)
    case = Case("a", bytes(300) + b"\xff" + bytes(200))
    found = bench.read_damaged(case)
    assert found.outcome == "traceback" and bench.smallest(case, found).content == b"\xff"


def test_a_reader_that_refuses_all_is_no_reader(tmp_path: Path) -> None:
    """The drill does not begin where the undamaged file is not read."""

    def refuse(folder: Path, name: str) -> None:
        raise BadInput("no")

    with pytest.raises(RuntimeError, match="undamaged, is refused: no"):
        Bench(Format("sulky", Picky.make, refuse), tmp_path, 0).check_valid_files()


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("name", FORMATS)
def test_damaged_files_are_read_or_refused(name: str, tmp_path: Path) -> None:
    """Every reader of the program bears a dozen damaged files, and reads the undamaged ones."""
    bench = Bench(FORMATS[name], tmp_path, 11)
    bench.check_valid_files()
    found = {i: bench.read_damaged(bench.case(i)) for i in range(CASES)}
    assert not {i: row for i, row in found.items() if row.outcome not in ("read", "refused")}


def test_the_drills_are_in_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each format has a drill; done in worker processes, it holds and counts what it did."""
    assert {f"file-{name}" for name in FORMATS} <= set(SCENARIOS)
    monkeypatch.setattr(files, "QUICK", 8)
    row = run_scenario(SCENARIOS["file-idx"], Context(None, None, tmp_path))  # type: ignore[arg-type]  # looks at neither
    assert row.outcome == "passed" and row.observation.metrics["mutations"] == 8
    assert row.observation.metrics["peak_mb"] > 0 and not row.observation.arrays


def test_a_worker_that_cannot_begin_is_told(broken: Context) -> None:
    """An error of the drill itself is no verdict on a reader."""
    with pytest.raises(RuntimeError, match="the worker ended by itself"):
        damage(broken, "no such format", 1, "broken_readers")


def test_a_seed_damages_alike(tmp_path: Path) -> None:
    """The same seed and index give the same damaged file, another index another."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one, two = (Bench(FORMATS["idx"], tmp_path / name, 4) for name in ("one", "two"))
    assert [one.case(i) for i in range(20)] == [two.case(i) for i in range(20)]
    assert len({one.case(i).content for i in range(20)}) > 15


def valid_file(ending: str, folder: Path) -> bytes:
    """A valid file of each kind that twists know."""
    if ending == ".npy":
        np.save(folder / "one.npy", np.zeros(120, np.uint8))
        return (folder / "one.npy").read_bytes()
    owner = {
        "-ubyte": "idx", ".npz": "npz", ".gz": "idx-gz", ".png": "pictures", ".jpg": "pictures", ".toml": "settings",
        ".zip": "bundle",
    }.get(ending, "run")  # fmt: skip
    (folder / "made").mkdir()
    FORMATS[owner].make(folder / "made", 0)
    return next(path for path in sorted((folder / "made").iterdir()) if path.name.endswith(ending)).read_bytes()


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("ending", TWISTS)
def test_twists_know_their_format(ending: str, tmp_path: Path) -> None:
    """Each twist changes a valid file of its format, and what cannot be twisted any more is damaged blindly."""
    content = valid_file(ending, tmp_path)
    for twist in TWISTS[ending]:
        rng = np.random.default_rng(5)
        with warnings.catch_warnings(action="ignore"):  # zipfile warns of names that stand there twice
            found = {attempt(twist, content, rng) for _ in range(12)}
        assert len(found - {b"", content}) >= 1, twist
    for i in range(30):
        assert isinstance(mutate(f"x{ending}", b"\x00", b"", np.random.default_rng(i)), bytes)


def attempt(twist: Any, content: bytes, rng: np.random.Generator) -> bytes:
    """A twisted file, or nothing where the twist found no hold."""
    try:
        return bytes(twist(content, b"", rng))
    except (ValueError, LookupError):
        return b""


@pytest.mark.parametrize("blind", BLIND)
def test_blind_damage_bears_any_bytes(blind: Any) -> None:
    """Every blind damage works on files of any length, also none."""
    for size in (0, 1, 2, 7, 100):
        content = bytes(range(size))
        assert {len(blind(content, content[::-1], np.random.default_rng(i))) >= 0 for i in range(20)} == {True}


def test_checksums_are_made_to_fit(tmp_path: Path) -> None:
    """A damaged member of a bundle is one that its index vouches for, and a damaged gzip unpacks."""
    bundle, rng = valid_file(".zip", tmp_path), np.random.default_rng(1)
    members = zipfile.ZipFile(io.BytesIO(TWISTS[".zip"][0](bundle, b"", rng)))
    assert "sha256" in json.loads(members.read("bundle.json"))
    packed = gzip.compress(bytes((0, 0, 8, 1, 0, 0, 0, 2, 5, 5)))
    assert len(gzip.decompress(TWISTS[".gz"][0](packed, b"", rng))) >= 8


def test_a_reading_is_judged() -> None:
    """A value is read, one clear sentence is a refusal, all else a fault."""

    def fail(error: BaseException) -> Any:
        raise error

    assert reading(lambda: 1) == ReadResult("read")
    assert reading(lambda: fail(BadInput("x is 1, expected 2"))).outcome == "refused"
    assert reading(lambda: fail(ValueError("x"))).outcome == "traceback"
    assert reading(lambda: fail(MemoryError())).outcome == "memory"
    assert reading(lambda: fail(RecursionError())).outcome == "traceback"
