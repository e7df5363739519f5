"""The command group: help, usage errors, and output that is not read to its end."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nnlaw.cli.main import COMMANDS, run

NN = [sys.executable, "-c", "import sys; from nnlaw.cli.main import main; main(sys.argv[1:])"]
ROOT = Path(__file__).parents[2]


def read(*words: str, until: str, cwd: Path) -> tuple[int, str]:
    """Exit code and error output of a command whose output is read only to a line that begins with `until`.

    If `until` is empty, nothing is read: a short output would fit into the pipe.
    """
    environment = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "PATH": ""}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*NN, *words], cwd=cwd, env=environment, encoding="utf-8", **pipes) as process:
        assert process.stdout is not None and process.stderr is not None
        assert not until or any(line.startswith(until) for line in process.stdout)
        process.stdout.close()
        return process.wait(), process.stderr.read()


@pytest.mark.parametrize(
    ("words", "message", "usage"),
    [
        (["train", "--epochs", "many"], "'--epochs': 'many' is not a valid integer", "nn train"),
        (["train", "--stop-after", "0"], "'--stop-after'", "nn train"),
        (["train", "--epoch", "3"], "No such option '--epoch'", "nn train"),
        (["predict"], "Missing argument", "nn predict"),
        (["trian"], "no command is called 'trian'; did you mean train?", "nn"),
        (["xyz"], "no command is called 'xyz'", "nn"),
        (["--nonsense"], "No such option", "nn"),
    ],
)
def test_a_usage_error_is_two_lines(workplace: Path, nn: Any, words: list[str], message: str, usage: str) -> None:
    """The message, and the usage with where to find more; exit code 2."""
    code, out, err = nn(*words)
    first, second = err.splitlines()
    assert (code, out) == (2, "") and first.startswith("nn: ") and message in first
    assert second.startswith(f"Usage: {usage} [OPTIONS]") and second.endswith(f"Try '{usage} --help'.")


def test_without_a_command_the_help_is_shown(nn: Any) -> None:
    """It lists the commands."""
    shown = "".join(nn()[1:])
    assert shown.startswith("Usage:") and "nn: " not in shown and "predict" in shown


@pytest.mark.parametrize("words", [["-h"], ["--help"], ["verify", "-h"], ["runs", "--help"]])
def test_help_is_shown_for_both_options(nn: Any, words: list[str]) -> None:
    """-h and --help, of the group and of each command."""
    code, out, _ = nn(*words)
    assert code == 0 and out.startswith("Usage: nn ") and "-h, --help" in out


def test_the_list_of_commands_fits_on_a_line_each(nn: Any) -> None:
    """Each command is listed with a sentence."""
    out = nn("--help")[1]
    assert all(name in out and text.endswith((".", "...")) for name, text in COMMANDS.items())


@pytest.mark.slow
def test_a_closed_pipe_ends_the_command_without_a_message(tmp_path: Path) -> None:
    """`nn laws | head -1` ends as the shell expects."""
    assert read("laws", until="", cwd=tmp_path) == (141, "")
    assert read("verify", "relu", until="", cwd=tmp_path) == (141, "")
    assert read("plugins", until="", cwd=tmp_path) == (141, "")


@pytest.mark.slow
def test_a_training_whose_output_is_closed_prints_how_to_continue(tiny_folder: Path, tmp_path: Path) -> None:
    """`nn train | head` stops the training, which can be resumed."""
    code, err = read("train", str(tiny_folder), "--epochs", "500", "--run", "r", until="Epoch 1/", cwd=tmp_path)
    assert (code, err) == (141, "output pipe was closed; continue with: nn train --resume r\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("location", "more"),
    [
        ("nnlaw.nn.runs.run_pictures.plot_mistakes", "; continue with"),
        ("nnlaw.cli.output.train_output.mistake_lines", ""),
    ],
)
def test_only_an_unfinished_run_can_be_resumed_after_an_interrupt(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str], location: str, more: str
) -> None:
    """Ctrl-C while the plots are made leaves an unfinished run, Ctrl-C during the last lines a finished one."""

    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(location, interrupt)
        assert run(["train", str(tiny_folder), "--epochs", "1", "--run", "r"]) == 130
    err = capsys.readouterr().err.strip()
    assert err == "interrupted" + (f"{more}: nn train --resume r" if more else "")
    assert run(["train", "--resume", "r"]) == (0 if more else 2)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("nn tr", ["train", "trace"]),
        ("nn laws grad", ["gradient"]),
        ("nn new opt", ["optimizer"]),
        ("nn train --optimizer ada", ["adam", "adamw"]),
        ("nn train --init h", ["he"]),
        ("nn verify dro", ["dropout", "dro"]),
        ("nn verify --law simp", ["simplex"]),
        ("nn predict --run runs/", ["runs/b", "runs/a", "runs/"]),
        ("nn stress --scenario edge-nan", ["edge-nan"]),
    ],
)
def test_names_are_completed(
    workplace: Path, nn: Any, monkeypatch: pytest.MonkeyPatch, line: str, expected: list[str]
) -> None:
    """Commands, laws, kinds, plugins of the option's kind, runs with the newest first; nothing else is printed."""
    for name in ("a", "b"):
        (workplace / "runs" / name).mkdir(parents=True)
        (workplace / "runs" / name / "config.toml").touch()
    words = line.split()
    monkeypatch.setenv("_NN_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    code, out, err = nn()
    assert [row.partition(",")[2] for row in out.splitlines()] == expected
    assert (code, err) == (0, "")


@pytest.mark.parametrize("words", [["help", "runs"], ["help"]])
def test_help_is_a_command(nn: Any, words: list[str]) -> None:
    """`nn help runs` is `nn runs --help`."""
    assert nn(*words) == nn(*words[1:], "--help")
