"""What holds for every command: one sentence for a mistake, and no noise where nobody reads."""

import subprocess
import sys
from pathlib import Path

import pytest

from nnlaw.cli.main import run

NN = [sys.executable, "-c", "import sys; from nnlaw.cli.main import main; main(sys.argv[1:])"]
ROOT = Path(__file__).parents[2]


def read(*words: str, until: str, cwd: Path) -> tuple[int, str]:
    """Exit code and error output of a command whose reader goes after a line that begins so, or at once where `until`
    is empty: what fits into the pipe while a reader looks at its first line would be written without a hitch."""
    environment = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "PATH": ""}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*NN, *words], cwd=cwd, env=environment, encoding="utf-8", **pipes) as process:
        assert process.stdout is not None and process.stderr is not None
        assert not until or any(line.startswith(until) for line in process.stdout)
        process.stdout.close()
        return process.wait(), process.stderr.read()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["train", "--epochs", "many"], "'--epochs': 'many' is not a valid integer"),
        (["train", "--stop-after", "0"], "'--stop-after'"),
        (["train", "--epoch", "3"], "No such option '--epoch'"),
        (["predict"], "Missing argument"),
        (["trian"], "trian"),
    ],
)
def test_a_wrong_command_line_is_one_sentence(
    workplace: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    """What the command line cannot mean is told in one sentence, exit code 2."""
    assert run(words) == 2
    err = capsys.readouterr().err
    assert err.startswith("nn: ") and told in err and len(err.splitlines()) == 1


def test_without_a_command_the_usage_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody who types `nn` alone is left without a list of commands."""
    run([])
    shown = "".join(capsys.readouterr())
    assert shown.startswith("Usage:") and "nn: " not in shown and "predict" in shown


def test_a_reader_that_goes_ends_the_command_silently(tmp_path: Path) -> None:
    """`nn laws | head -1` ends as the shell expects, without a word."""
    assert read("laws", until="", cwd=tmp_path) == (141, "")


def test_a_training_that_nobody_reads_tells_how_it_goes_on(tiny_folder: Path, tmp_path: Path) -> None:
    """`nn train | head` stops the training, which can be resumed."""
    code, err = read("train", str(tiny_folder), "--epochs", "500", "--run", "r", until="Epoch 1/", cwd=tmp_path)
    assert (code, err) == (141, "nobody reads the output any more; go on with: nn train --resume r\n")


@pytest.mark.parametrize(
    ("location", "more"),
    [("nnlaw.nn.runs.plots.mistakes", "; go on"), ("nnlaw.cli.output.train_output.mistake_lines", "")],
)
def test_only_what_is_not_finished_is_said_to_go_on(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str], location: str, more: str
) -> None:
    """Ctrl-C over the pictures leaves a run to be resumed, Ctrl-C over the last lines a finished one."""

    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(location, interrupt)
        assert run(["train", str(tiny_folder), "--epochs", "1", "--run", "r"]) == 130
    err = capsys.readouterr().err.strip()
    assert err == "interrupted" + (f"{more} with: nn train --resume r" if more else "")
    assert run(["train", "--resume", "r"]) == (0 if more else 2)
