"""cli/bench.py."""

import json
import os
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

import nnlaw.nn.bench.bench
from nnlaw.cli.bench import THREADS
from nnlaw.cli.main import run


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """One BLAS thread, and no processes."""
    for name in THREADS:
        monkeypatch.setenv(name, "1")
    monkeypatch.setattr(nnlaw.nn.bench.bench, "run_python", lambda code: (0.5, "100.0"))


@pytest.mark.slow
def test_a_report_in_three_forms(
    one_thread: None, tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Text by default, JSON, and Markdown with its plot in files; no folder is left."""
    assert run(["bench", str(tiny_folder), "--rounds", "2", "--json", "--markdown", "b.md"]) == 0
    assert json.loads(capsys.readouterr().out)["data"]["name"] == "MNIST"
    assert "![training loss against seconds of training](b.png)" in (workplace / "b.md").read_text()
    assert sorted(path.name for path in workplace.iterdir()) == ["b.md", "b.png"]
    assert run(["bench", str(tiny_folder), "--rounds", "2"]) == 0
    printed = capsys.readouterr()
    assert "Loss against time" in printed.out
    assert "epochs, side by side: 1 of 2\nepochs, side by side: 2 of 2\n" in printed.err  # without a terminal
    assert 1 < printed.err.count("predicting 1: ") <= 20 and "predicting 1: 1 of" in printed.err


def test_with_more_threads_it_restarts_with_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """If BLAS may use more than one thread, the command runs itself in a process with one."""
    started = {}

    class Process(nullcontext[Any]):
        def __init__(self, words: list[str], env: dict[str, str], start_new_session: bool) -> None:
            super().__init__(self)
            started.update(words=words[3:], threads={env[name] for name in THREADS})

        def wait(self) -> int:
            return 7

    monkeypatch.setenv(THREADS[0], "4")
    monkeypatch.setattr(subprocess, "Popen", Process)
    assert run(["bench", "folder", "--rounds", "3", "--markdown", "x.md"]) == 7
    assert started == {
        "words": ["bench", "--rounds", "3", "--markdown", "x.md", "folder"],
        "threads": {"1"},
    }


@pytest.mark.slow
def test_an_interrupted_benchmark_removes_its_files(tiny_folder: Path, tmp_path: Path) -> None:
    """Ctrl-C reaches the measuring process through the command, and neither leaves a folder."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    code = "import sys; from nnlaw.cli.main import main; main(sys.argv[1:])"
    environment = os.environ | {"TMPDIR": str(folder), THREADS[0]: "4", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code, "bench", str(tiny_folder), "--rounds", "100000"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "side by side" in process.stderr.readline()
        assert [path.name[:9] for path in folder.iterdir()] == ["nn-bench-"]
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130 and process.stderr.read().endswith("interrupted\n")
    assert not list(folder.iterdir())


def test_wrong_arguments_are_refused(one_thread: None, workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing folder, too few rounds and the removed --peers give one line and exit code 2."""
    assert run(["bench", "absent"]) == 2 and "absent" in capsys.readouterr().err
    assert run(["bench", "--rounds", "1"]) == 2
    capsys.readouterr()
    assert run(["bench", "--peers"]) == 2
    assert "run python benchmarks/other_libraries.py" in capsys.readouterr().err
