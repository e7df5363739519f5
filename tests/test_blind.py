"""benchmarks/blind_bugs.py and the corpus that it checks."""

import tomllib
from hashlib import sha256

import blind_bugs
from blind_bugs import BLIND, NOTHING, Row, counts

from nnlaw.spec.report import UnitOutcome


def test_the_corpus_is_as_its_authors_wrote_it() -> None:
    """Every file has its digest in SHA256SUMS, no file is missing or added, and each is in one half."""
    lines = (BLIND / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    digests = {name: digest for digest, name in (line.split() for line in lines)}
    found = {path.relative_to(BLIND).as_posix(): path for path in BLIND.glob("*/*.py")}
    assert {name: sha256(path.read_bytes()).hexdigest() for name, path in found.items()} == digests
    halves = tomllib.loads((BLIND / "halves.toml").read_text(encoding="utf-8"))
    names = sorted(name for half in halves.values() for name in half)
    assert names == sorted(path.name for path in (BLIND / "right").iterdir() if path.suffix == ".py")
    assert len(names) == len(set(names)) == 200


def test_a_bug_fails_and_its_twin_passes() -> None:
    """The bug has the line of its header, and the twin passes."""
    wrong, right = (blind_bugs.checked("1", folder, "gelu_tanh_block.py") for folder in ("wrong", "right"))
    assert wrong.outcome == UnitOutcome.FAILED and wrong.mistake and wrong.line
    assert right.outcome == UnitOutcome.PASSED and not right.mistake


def test_counts() -> None:
    """What is not checked is neither caught nor passed."""
    rows = [
        Row("1", "wrong", "a.py", "loss", "m", 3, UnitOutcome.FAILED, "gradient", "a cause", "a fix", True),
        Row("1", "wrong", "b.py", "loss", "m", 3, NOTHING),
        Row("1", "right", "a.py", "loss", "", 0, UnitOutcome.PASSED),
        Row("1", "right", "b.py", "loss", "", 0, UnitOutcome.FAILED),
    ]
    found = counts(rows)
    assert (found["bugs"], found["caught"], found["bugs partly or not checked"]) == ("2", "1", "1")
    assert (found["correct twins that fail"], found["correct twins that pass"]) == ("1", "1")
    assert "| loss | 2 | 1 | 1 |" in blind_bugs.page(rows)
