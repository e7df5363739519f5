"""The catalogue proves itself: each counterexample raises exactly its own law's diagnostic and no other."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from nnlaw.spec import CATALOGUE, conformance

FOLDER = Path(__file__).parents[2] / "fixtures" / "laws"
FILES = sorted(FOLDER.glob("*/*.py"))
KINDS = tuple(sorted({kind for kind, _ in CATALOGUE}))
WITHOUT: dict[str, str] = {}
"""Laws without a counterexample, by file name, each with the reason."""


def load(path: Path) -> ModuleType:
    """Import one counterexample from its file."""
    spec = importlib.util.spec_from_file_location(f"counterexample_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def declared(module: ModuleType) -> str:
    """The law that the docstring names, in a line of its own."""
    named = [line for line in (module.__doc__ or "").splitlines() if line.startswith("law: ")]
    assert len(named) == 1
    return named[0].removeprefix("law: ").strip()


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_counterexample_breaks_its_own_law_and_no_other(path: Path) -> None:
    """Exactly one violation, of the law that the file declares."""
    module = load(path)
    assert [found.law for found in conformance(module.case()).violations] == [declared(module)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_name_of_a_counterexample_is_its_kind_and_law(path: Path) -> None:
    """The file is <kind>/<code>.py after a row of the catalogue, and says first what is wrong."""
    module = load(path)
    assert path.stem == declared(module).replace("-", "_")
    assert (path.parent.name, declared(module)) in CATALOGUE
    assert (module.__doc__ or "").splitlines()[0].endswith(".")


def test_every_law_has_a_counterexample() -> None:
    """No row of these kinds stands in the catalogue without a file, and no excuse outlives its reason."""
    wanted = {f"{kind}/{code.replace('-', '_')}" for kind, code in CATALOGUE if kind in KINDS}
    assert wanted - {f"{path.parent.name}/{path.stem}" for path in FILES} == set(WITHOUT)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_counterexample_can_be_judged_twice(path: Path) -> None:
    """Judging changes nothing: the second report has the verdicts of the first."""
    case = load(path).case()
    first, second = ([(row.law, row.outcome) for row in conformance(case).results] for _ in range(2))
    assert first == second
