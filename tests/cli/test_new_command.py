"""nn new: the skeletons pass, and unusable names are refused."""

from pathlib import Path
from typing import Any

import pytest

from nnlaw.nn.plugins.registry import KINDS
from nnlaw.nn.verify.check_unit import check_unit
from nnlaw.nn.verify.supervisor import check_target
from nnlaw.nn.verify.targets import units_in_file
from nnlaw.spec.law import laws_of


@pytest.mark.slow
def test_every_skeleton_passes(workplace: Path, nn: Any) -> None:
    """Each kind has a skeleton, and it passes every law of its kind."""
    for kind in KINDS:
        assert nn("new", kind, f"my-{kind}") == (0, f"my_{kind}.py\nNext: nn verify my_{kind}.py\n", "")
    source = "".join(Path(f"my_{kind}.py").read_text() for kind in KINDS)
    Path("all.py").write_text(source)
    found = {report["kind"]: report for report in check_target({"file": "all.py"}).reports}
    assert set(found) == set(KINDS)
    for kind, report in found.items():
        assert report["outcome"] == ("passed" if any(laws_of(kind)) else "not checked"), report


def test_an_existing_file_is_not_overwritten(workplace: Path, nn: Any) -> None:
    """--output chooses the file; if it exists, nothing is written."""
    assert nn("new", "layer", "swish", "--output", "a.py")[0] == 0
    before = Path("a.py").read_text()
    assert "nn verify a.py" in before and '@layer("swish")' in before
    code, _, err = nn("new", "loss", "other", "--output", "a.py")
    assert code == 2 and "a.py exists" in err and Path("a.py").read_text() == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "name", "same"),
    [
        ("layer", "swish", True), ("layer", "silu", True), ("layer", "mish", False), ("loss", "hinge", False),
        ("optimizer", "heavy_ball", True), ("initializer", "glorot_uniform", True), ("schedule", "linear", True),
        ("metric", "error", False), ("model", "mlp", True),
    ],
)  # fmt: skip
def test_a_note_names_the_law_that_a_standard_name_would_fail(
    workplace: Path, nn: Any, kind: str, name: str, same: bool
) -> None:
    """The note is printed exactly if the skeleton computes something else; all other laws pass."""
    out = nn("new", kind, name, "--output", "a.py")[1]
    assert ("law definition" in out) is not same
    (unit,) = units_in_file(Path("a.py"))
    failed = {violation.law for violation in check_unit(unit, [], 0, explain=False).violations}
    assert bool(failed) is not same and failed <= {"definition", "metric-known"}


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["lair", "x"], "unknown kind 'lair'; did you mean layer?"),
        (["thing", "x"], "choose from layer, loss"),
        (["layer", "2x"], "'2x' is not a valid name"),
        (["layer", "class"], "'class' is not a valid name"),
        (["layer", "../x"], "'../x' is not a valid name"),
        (["layer", "relu"], "is built in"),
        (["layer", "x", "--output", "nowhere/x.py"], "cannot be written"),
    ],
)
def test_unusable_arguments_are_refused(workplace: Path, nn: Any, args: list[str], words: str) -> None:
    """The message is one line, and no file is written."""
    code, _, err = nn("new", *args)
    assert code == 2 and words in err and err.count("\n") == 1 and not list(workplace.iterdir())
