"""nn verify on files that declare nothing: what is found, and which part of it is checked."""

from pathlib import Path

import pytest

from nnlaw.cli.main import run

pytestmark = pytest.mark.slow

SOURCE = """import numpy as np


class Double:
    def forward(self, x):
        return 2 * x

    def backward(self, dy):
        return 2 * dy


class Triple:
    def forward(self, x):
        return 3 * x

    def backward(self, dy):
        return dy


class Base:
    def forward(self, x):
        raise NotImplementedError
"""


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with mine.py."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(SOURCE, encoding="utf-8")
    return tmp_path


def test_list_shows_what_is_found_and_how_it_is_called(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line per definition, in the order of the file; nothing is checked."""
    assert run(["verify", "--list", "mine.py"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("mine.py:4: layer Double: Double().forward(x), then backward(dy)")
    assert lines[2].startswith("mine.py:20: nothing to check Base")


@pytest.mark.parametrize(("target", "code"), [("mine.py::Double", 0), ("mine.py::Triple", 1), ("mine:Double", 0)])
def test_one_definition_of_a_file_or_module(
    workplace: Path, capsys: pytest.CaptureFixture[str], target: str, code: int
) -> None:
    """The others are not checked."""
    assert run(["verify", "-q", target]) == code
    assert target.rpartition(":")[2] in capsys.readouterr().out


def test_a_name_that_the_file_lacks_is_reported(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the file and the name."""
    assert run(["verify", "mine.py::Quadruple"]) == 2
    assert "it defines no Quadruple" in "".join(capsys.readouterr())


PAIR = """import numpy as np


def product_forward(x, w):
    return x @ w, (x, w)


def product_backward(dout, cache):
    x, w = cache
    return dout @ w.T, FACTOR * (x.T @ dout)
"""


@pytest.mark.parametrize(("factor", "code"), [("1", 0), ("2", 1)])
def test_the_name_of_a_pair_names_it(
    workplace: Path, capsys: pytest.CaptureFixture[str], factor: str, code: int
) -> None:
    """It is the common part of its functions, as in the report."""
    (workplace / "pair.py").write_text(PAIR.replace("FACTOR", factor), encoding="utf-8")
    assert run(["verify", "pair.py::product"]) == code
    assert "product_forward(x, w), then product_backward(dout, cache)" in capsys.readouterr().out


def test_a_pattern_names_files(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """If the shell has not expanded it."""
    assert run(["verify", "-q", "m*.py"]) == 1
    assert "mine.py" in capsys.readouterr().out
