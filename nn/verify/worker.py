"""The process in which plugins are judged: `python -m nnlaw.nn.verify.worker JOURNAL REQUEST`, both files.

REQUEST is JSON: {"target": {"file" | "module" | "name" | "kind": ...}, "laws": [...], "seed": 0, "skip": 0}. Every
event is a line of JSON in JOURNAL: that it is ready; the plan, or why there is none; then every plugin that it
starts, and its report. What is written last tells, should the process die, what it died of. What the plugin prints goes
to this process's own output and is nobody's data.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

MEMORY = 8 * 2**30  # bytes of address space: a plugin that wants more gets a MemoryError


class Journal:
    """Lines of JSON that are on the disk before the next thing is tried. Children that a plugin forks write none."""

    def __init__(self, path: Path) -> None:
        self.owner = os.getpid()
        self.file: IO[str] = path.open("a", encoding="utf-8")

    def write(self, **event: Any) -> None:
        """Append one event."""
        if os.getpid() == self.owner:
            self.file.write(json.dumps(event) + "\n")
            self.file.flush()


def main(journal_file: str, request_file: str) -> None:
    """Judge what the request names."""
    journal = Journal(Path(journal_file))
    request = json.loads(Path(request_file).read_text(encoding="utf-8"))
    faulthandler.enable(journal.file)  # a crash, and the parent's SIGABRT at the time limit, leave the stack there
    _limit_memory()
    threading.Thread(target=_follow, args=(os.getppid(), os._exit), daemon=True).start()
    _note_exits(journal)
    warnings.simplefilter("ignore")  # laws probe far from zero on purpose

    from nnlaw._names import install

    install()
    import nnlaw.nn.verify.targets  # noqa: F401  # takes its time, which is not the plugin's
    from nnlaw.spec.violation import BadInput

    journal.write(ready=True)
    try:
        records = _records(request["target"])
    except BadInput as reason:
        journal.write(error=str(reason), done=True)
        return
    except BaseException as error:
        from nnlaw.nn.plugins.errors import is_internal, told

        said = told(error) if is_internal(error) else f"{type(error).__name__} on import: {error}"
        journal.write(error=f"{_name(request['target'])}: {said}", done=True)
        return
    _check_all(records, request, journal)
    journal.write(done=True)


def _check_all(records: list[Any], request: dict[str, Any], journal: Journal) -> None:
    from nnlaw.nn.verify.targets import check_unit, is_checked_by

    journal.write(plan=[{"name": record.name, "kind": record.kind, "label": record.label} for record in records])
    for i, record in enumerate(records[request["skip"] :], request["skip"]):
        journal.write(start=i)
        if is_checked_by(record, request["laws"]):
            journal.write(report=check_unit(record, request["laws"], request["seed"]).to_dict())


def _records(target: dict[str, str]) -> list[Any]:
    from nnlaw.nn.verify import targets as judging

    (sort, value), *_ = target.items()
    if sort == "file":
        return judging.units_in_file(Path(value))
    if sort == "module":
        sys.path.append(os.getcwd())
        return judging.units_in_module(value)
    if sort == "kind":
        return judging.built_in_units(value)
    return [judging.named_unit(value)]


def _name(target: dict[str, str]) -> str:
    return next(iter(target.values()))


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    present = resource.getrlimit(resource.RLIMIT_AS)  # -1 where there is no limit
    least = min([MEMORY, *(limit for limit in present if limit >= 0)])
    resource.setrlimit(resource.RLIMIT_AS, (least, present[1]))


def _follow(parent: int, leave: Callable[[int], Any]) -> None:
    """Where the process that asked is gone, nobody waits for an answer."""
    while os.getppid() == parent:
        time.sleep(1)
    leave(1)


def _note_exits(journal: Journal) -> None:
    """os._exit leaves no trace of who called it, so it is asked to."""
    leave = os._exit

    def noted(code: int) -> Any:
        caller = sys._getframe(1)
        journal.write(exit=f"{caller.f_code.co_filename}:{caller.f_lineno}")
        leave(code)

    os._exit = noted  # type: ignore[assignment]  # mypy wants NoReturn


if __name__ == "__main__":
    main(*sys.argv[1:])
