"""nn bench as a user meets it."""

import json
import subprocess
from pathlib import Path

import pytest

import nn.bench
from cli.bench import THREADS
from cli.main import run


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if BLAS had one thread, and without child processes."""
    for name in THREADS:
        monkeypatch.setenv(name, "1")
    monkeypatch.setattr(nn.bench, "child", lambda code: (0.5, "100.0"))


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

    def call(words: list[str], env: dict[str, str]) -> int:
        seen.update(words=words[3:], threads={env[name] for name in THREADS})
        return 7

    monkeypatch.setenv(THREADS[0], "4")
    monkeypatch.setattr(subprocess, "call", call)
    assert run(["bench", "folder", "--peers", "--rounds", "3", "--markdown", "x.md"]) == 7
    assert seen == {
        "words": ["bench", "--peers", "--rounds", "3", "--markdown", "x.md", "folder"],
        "threads": {"1"},
    }


def test_bad_use_is_one_sentence(one_thread: None, workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that is none, or too few rounds: one sentence, exit code 2."""
    assert run(["bench", "absent"]) == 2 and "absent" in capsys.readouterr().err
    assert run(["bench", "--rounds", "1"]) == 2
