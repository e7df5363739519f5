"""The worker's journal and its limits; its main function runs in this process."""

import json
import os
import resource
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from nnlaw.nn.verify.worker import MAX_MEMORY, _limit_memory, main


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run main and return the events of its journal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "_exit", lambda code: None)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr("faulthandler.enable", lambda file: None)
    monkeypatch.setattr("resource.setrlimit", lambda what, limits: None)

    def run(target: dict[str, str], laws: tuple[str, ...] = (), skip: int = 0) -> list[dict[str, Any]]:
        request = {"target": target, "laws": list(laws), "seed": 0, "skip": skip}
        Path("request").write_text(json.dumps(request))
        Path("journal").write_text("")
        with warnings.catch_warnings():
            main("journal", "request")
        return [json.loads(line) for line in Path("journal").read_text().splitlines()]

    return run


def test_the_journal_has_the_plan_and_each_report(worker: Any, write: Any, layer_source: Any) -> None:
    """Skipped units, and units without a requested law, have no report."""
    write(layer_source("one") + layer_source("two"))
    write(layer_source("three"), "my_module.py")
    events = worker({"file": "mine.py"}, skip=1)
    assert [next(iter(event)) for event in events] == ["ready", "plan", "start", "report", "done"]
    assert events[1]["plan"][0] == {"name": "one", "kind": "layer", "label": "mine.py:9: layer one"}
    assert [e["report"]["outcome"] for e in worker({"module": "my_module"}) if "report" in e] == ["passed"]
    assert not [event for event in worker({"name": "relu"}, laws=("loss-mean",)) if "report" in event]
    assert len(worker({"kind": "metric"})[1]["plan"]) >= 1


def test_the_journal_has_the_reason_if_there_is_no_plan(worker: Any) -> None:
    """The file can't be used, or it ends the interpreter."""
    assert "no such file" in worker({"file": "nowhere.py"})[1]["error"]
    Path("rude.py").write_text("raise KeyboardInterrupt\n")
    assert worker({"file": "rude.py"})[1:] == [
        {"error": "rude.py: KeyboardInterrupt on import: ", "internal": False, "done": True}
    ]


def test_the_journal_has_the_line_that_calls_os_exit(worker: Any, write: Any, layer_source: Any) -> None:
    """os._exit is replaced by a function that records its caller."""
    write("os._exit(3)\n" + layer_source())
    assert worker({"file": "mine.py"})[1]["exit"].endswith("mine.py:5")


@pytest.mark.parametrize(
    ("soft", "hard", "limit"),
    [(-1, -1, MAX_MEMORY), (2**30, -1, 2**30), (2**30, 2**31, 2**30), (2**40, 2**41, MAX_MEMORY), (-1, 2**31, 2**31)],
)
def test_memory_is_limited_to_the_lowest_limit(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, limit: int
) -> None:
    """The worker's own, the soft and the hard one."""
    set_to: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda what: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda what, limits: set_to.append(limits))
    _limit_memory()
    assert set_to == [(limit, hard)]
