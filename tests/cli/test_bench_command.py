"""nn bench as a user meets it."""

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
    """As if BLAS had one thread, and without child processes."""
    for name in THREADS:
        monkeypatch.setenv(name, "1")
    monkeypatch.setattr(nnlaw.nn.bench.bench, "child", lambda code: (0.5, "100.0"))


def test_a_report_in_three_forms(
    one_thread: None, tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Text by default, JSON for scripts, Markdown with its picture in a file; and no folder is left behind."""
    assert run(["bench", str(tiny_folder), "--rounds", "2", "--json", "--markdown", "b.md"]) == 0
    assert json.loads(capsys.readouterr().out)["data"]["name"] == "MNIST"
    assert "![training loss against seconds of training](b.png)" in (workplace / "b.md").read_text()
    assert sorted(path.name for path in workplace.iterdir()) == ["b.md", "b.png"]
    assert run(["bench", str(tiny_folder), "--rounds", "2"]) == 0
    told = capsys.readouterr()
    assert "ERROR AGAINST TIME" in told.out
    assert "epochs, side by side: 1 of 2\nepochs, side by side: 2 of 2\n" in told.err  # no terminal: plain lines
    assert 1 < told.err.count("predicting 1: ") <= 20 and "predicting 1: 1 of" in told.err


def test_with_more_threads_it_starts_again_with_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where BLAS may use more than one thread the command runs itself in a process that has one."""
    seen = {}

    class Process(nullcontext[Any]):
        def __init__(self, words: list[str], env: dict[str, str], start_new_session: bool) -> None:
            super().__init__(self)
            seen.update(words=words[3:], threads={env[name] for name in THREADS})

        def wait(self) -> int:
            return 7

    monkeypatch.setenv(THREADS[0], "4")
    monkeypatch.setattr(subprocess, "Popen", Process)
    assert run(["bench", "folder", "--peers", "--rounds", "3", "--markdown", "x.md"]) == 7
    assert seen == {
        "words": ["bench", "--peers", "--rounds", "3", "--markdown", "x.md", "folder"],
        "threads": {"1"},
    }


def test_an_interrupted_benchmark_cleans_up_after_itself(tiny_folder: Path, tmp_path: Path) -> None:
    """Ctrl-C, which reaches the command that started the measuring process, leaves no folder of either."""
    place = tmp_path / "tmp"
    place.mkdir()
    code = "import sys; from nnlaw.cli.main import main; main(sys.argv[1:])"
    environment = os.environ | {"TMPDIR": str(place), THREADS[0]: "4", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code, "bench", str(tiny_folder), "--rounds", "100000"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "side by side" in process.stderr.readline()
        assert [path.name[:9] for path in place.iterdir()] == ["nn-bench-"]
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130 and process.stderr.read().endswith("interrupted\n")
    assert not list(place.iterdir())


def test_bad_use_is_one_sentence(one_thread: None, workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that is none, or too few rounds: one sentence, exit code 2."""
    assert run(["bench", "absent"]) == 2 and "absent" in capsys.readouterr().err
    assert run(["bench", "--rounds", "1"]) == 2
