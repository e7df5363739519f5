"""Hostile code, outputs, streams and borrowed runs meet the commands; a fault in any of them is found."""

from pathlib import Path

import pytest

import nnlaw.nn.verify.supervisor
from nnlaw.nn.stress.commands import outputs, standard_streams, trust
from nnlaw.nn.stress.commands.command import CommandResult, observation, run
from nnlaw.nn.stress.commands.integrity import AT_IMPORT, IN_BACKWARD
from nnlaw.nn.stress.scenario import Context, scenarios
from nnlaw.nn.verify.supervisor import TargetResult


@pytest.mark.slow
@pytest.mark.parametrize("name", ["integrity", "outputs", "streams"])
def test_the_commands_are_as_expected(empty_context: Context, name: str) -> None:
    """No attack is reported as passed, no output is lost, and no stream leads to a traceback."""
    found = scenarios()[name].run(empty_context)
    assert found.as_expected, found.text


@pytest.mark.slow
def test_borrowed_runs_are_not_trusted(context: Context) -> None:
    """A plugin in a run writes nothing into the user's folder."""
    found = scenarios()["trust"].run(context)
    assert found.as_expected, found.text


def test_a_wrong_gradient_that_passes_is_a_fault(empty_context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """An attack that is reported as passed, or not at all, is named."""
    reports = iter([[{"outcome": "passed"}], [], *[[{"outcome": "failed"}]] * len(AT_IMPORT | IN_BACKWARD)])
    monkeypatch.setattr(
        nnlaw.nn.verify.supervisor, "check_target", lambda target, options: TargetResult(target, next(reports))
    )
    found = scenarios()["integrity"].run(empty_context)
    assert not found.as_expected and "exits: reported as passed" in found.text and "reported as nothing" in found.text


def test_a_source_file_that_is_overwritten_is_a_fault(empty_context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report in place of code, and a temporary file that is left, are named."""

    def overwrite(arguments: tuple[str, ...], folder: Path, *rest: object) -> CommandResult:
        (folder / "other.py").write_text("a report")
        (folder / ".part").touch()
        return CommandResult("", "")

    monkeypatch.setattr(outputs, "run", overwrite)
    text = scenarios()["outputs"].run(empty_context).text
    assert "other.py: overwritten" in text and ".part" in text


def test_a_plugin_that_writes_is_a_fault(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin of a run that runs with the rights of the user is named."""

    def write(arguments: tuple[str, ...], folder: Path, *rest: object) -> CommandResult:
        (folder / "run").mkdir(exist_ok=True)
        (folder / "run/summary.json").touch()
        if arguments[0] == "predict":
            (folder / "canary").touch()
        return CommandResult("", "")

    monkeypatch.setattr(trust, "run", write)
    assert "predict: its plugin wrote a file" in scenarios()["trust"].run(context).text


def test_a_traceback_and_another_exit_code_are_faults(tmp_path: Path) -> None:
    """How a command ends is compared with what is documented."""
    assert run(("--version",), tmp_path, (0,)).fault == ""
    assert "exit code 0, expected 1" in run(("--version",), tmp_path, (1,)).fault
    wrapper = ("/bin/sh", "-c", "echo 'Traceback (most recent call last)'", "sh")
    assert "Traceback" in run(("--version",), tmp_path, (0,), wrapper=wrapper).fault
    found = observation({"a": "", "b": "bad"}, "commands")
    assert not found.as_expected and found.text == "2 commands, 1 with a fault; b: bad"


def test_all_streams_are_tried_in_full(empty_context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thorough scenario runs every command with every stream."""
    monkeypatch.setattr(standard_streams, "run", lambda *arguments, **settings: CommandResult("", ""))
    few = len(scenarios()["streams"].run(empty_context).metrics["faults"])
    empty_context.full = True
    assert len(scenarios()["streams"].run(empty_context).metrics["faults"]) == 3 * len(standard_streams.SHELL) + 1 > few
