"""Run a command and capture what it prints, independent of the environment's terminal settings."""

from collections.abc import Callable

import pytest

from nnlaw.cli.main import run

Ran = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def terminal_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable sets color or width."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def nn(capsys: pytest.CaptureFixture[str]) -> Ran:
    """Run a command line: exit code, standard output, standard error."""

    def run_command(*args: str) -> tuple[int, str, str]:
        code = run(list(args))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run_command
