"""cli/trace.py."""

import json
from pathlib import Path

import pytest

from nnlaw.cli.main import run
from nnlaw.nn.trace.worked_example import textbook_file

MINE = ["trace", "--layers", "dense:2 relu dense:1", "--loss", "binary_cross_entropy", "--x", "-1,2", "--y", "1"]


def test_the_textbook_network_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    """The page has the convention, the equation with its numbers, and both formulas of the logit's gradient."""
    assert run(["trace", "--step"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    for words in (
        "z1[0, 0] = 1·0.1 + 2·0.2 + 0.1 = 0.6",
        "With samples as columns, W1 @ x",
        "dL/da2 = -y/a2 + (1 - y)/(1 - a2) = [[-1.326]]",
        "dz2 = ([[0.754]] - [[1]])/1 = [[-0.246]]",
        "dW1 = outer(dz1, x) = [[-0.123, -0.246], [-0.1476, -0.2952]]",
        "The loss fell from 0.2824",
    ):
        assert words in out, words


def test_a_network_from_options_in_three_formats(capsys: pytest.CaptureFixture[str]) -> None:
    """The page, Markdown and JSON have the same numbers, and --step takes the given step."""
    assert run(MINE) == 0 and "Forward: from the input to the loss" in capsys.readouterr().out
    assert run([*MINE, "--markdown"]) == 0 and "## Forward" in capsys.readouterr().out
    assert run([*MINE, "--step", "0.5", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["step"]["lr"] == 0.5 and found["step"]["loss_after"] < found["step"]["loss_before"]
    assert set(found["gradients"]) == {"dz2", "dW2", "db2", "da1", "dz1", "dW1", "db1", "dx"}


def test_a_file_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    """The weights of the file are used."""
    assert run(["trace", str(textbook_file()), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["params"]["W1"] == [[0.1, 0.3], [0.2, 0.4]]


def test_a_wrong_gradient_ends_with_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """For a wrong backward of the user's layer the page marks the numbers, and one violation follows."""
    file = tmp_path / "mine.py"
    file.write_text(
        "from nn import layer\nfrom spec import obeys\n"
        "@layer('twice')\n@obeys('N ... -> N ...')\nclass Twice:\n"
        "    def forward(self, x): return 2 * x\n    def backward(self, dy): return dy\n"
    )
    assert run(["trace", "--plugin", str(file), "--layers", "twice dense:1", "--x", "1,2", "--y", "1"]) == 1
    printed = capsys.readouterr()
    assert "WRONG" in printed.out and ": gradient: dx of 0:twice(2).backward is wrong" in printed.err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--layers", "dense:1", "--y", "1"], "--x is missing"),
        (["--layers", "dense:1", "--x", "1,a", "--y", "1"], "--x '1,a'"),
        (["--layers", "dense:1", "--x", "1,2;3", "--y", "1"], "rows of equal length"),
        (["--step", "0"], "expected a learning rate above 0"),
        (["--layers", "dense:1", "--x", "1", "--y", "1", "--loss", "mse", "--step", "1e300"], "after a step"),
        (["absent.toml"], "nn: absent.toml: no such file"),
        (["--layers", "dense:1 batchnorm", "--x", "1", "--y", "1"], "1:batchnorm(1) refuses an input of shape (1, 1)"),
        ([str(textbook_file()), "--y", "1"], "expected only one of them"),
        (["--layers", "densee:1", "--x", "1", "--y", "1"], "nearest: dense"),
    ],
)
def test_wrong_arguments_are_refused(capsys: pytest.CaptureFixture[str], flags: list[str], words: str) -> None:
    """Unusable options give one line and exit code 2."""
    assert run(["trace", *flags]) == 2
    err = capsys.readouterr().err.strip()
    assert words in err and len(err.splitlines()) == 1
