"""Run a command and capture what it prints."""

from collections.abc import Callable

import pytest

from nnlaw.cli.main import run

Ran = Callable[..., tuple[int, str, str]]


@pytest.fixture
def nn(capsys: pytest.CaptureFixture[str]) -> Ran:
    """Run a command line: exit code, standard output, standard error."""

    def run_command(*args: str) -> tuple[int, str, str]:
        code = run(list(args))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run_command
