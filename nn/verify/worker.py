"""The process that checks units: `python -m nnlaw.nn.verify.worker JOURNAL REQUEST`, two files.

REQUEST is JSON: {"target": {"file" | "module" | "name" | "kind": ...}, "laws": [...], "seed": 0, "skip": 0}. JOURNAL
receives one line of JSON per event: ready; the plan, or an error; then the start and the report of each unit. If the
process dies, the last event shows which unit it was running. Output of the code under test goes to this process's
standard output.
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
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nnlaw.spec.subjects.unit import Unit

MAX_MEMORY = 8 * 2**30  # bytes of address space; code that needs more gets a MemoryError


class Journal:
    """Lines of JSON, each flushed before the next step. Processes that the code under test forks write nothing."""

    def __init__(self, path: Path) -> None:
        self.owner = os.getpid()
        self.file: IO[str] = path.open("a", encoding="utf-8")

    def write(self, **event: Any) -> None:
        """Append one event."""
        if os.getpid() == self.owner:
            self.file.write(json.dumps(event) + "\n")
            self.file.flush()


def main(journal_file: str, request_file: str) -> None:
    """Check what the request names."""
    journal = Journal(Path(journal_file))
    request = json.loads(Path(request_file).read_text(encoding="utf-8"))
    faulthandler.enable(journal.file)  # a crash, and the supervisor's SIGABRT after a timeout, write the stack there
    _limit_memory()
    threading.Thread(target=_exit_with_parent, args=(os.getppid(), os._exit), daemon=True).start()
    _record_os_exit(journal)
    warnings.simplefilter("ignore")  # laws try extreme inputs on purpose

    from nnlaw._names import install

    install()
    import nnlaw.nn.verify.targets  # noqa: F401  # takes time that does not count toward the timeout
    from nnlaw.spec.violation import BadInput

    journal.write(ready=True)
    try:
        units = _units(request["target"])
    except BadInput as error:
        journal.write(error=str(error), done=True)
        return
    except BaseException as error:
        from nnlaw.nn.plugins.errors import describe_internal_error, is_internal

        internal = is_internal(error)
        reason = describe_internal_error(error) if internal else f"{type(error).__name__} on import: {error}"
        journal.write(error=f"{_name(request['target'])}: {reason}", internal=internal, done=True)
        return
    _check_all(units, request, journal)
    journal.write(done=True)


def _check_all(units: list[Unit], request: dict[str, Any], journal: Journal) -> None:
    from nnlaw.nn.verify.targets import check_unit, is_checked_by

    journal.write(plan=[{"name": unit.name, "kind": unit.kind, "label": unit.label} for unit in units])
    for i, unit in enumerate(units[request["skip"] :], request["skip"]):
        journal.write(start=i)
        if is_checked_by(unit, request["laws"]):
            journal.write(report=check_unit(unit, request["laws"], request["seed"]).to_dict())


def _units(target: dict[str, str]) -> list[Unit]:
    from nnlaw.nn.verify import targets

    (key, value), *_ = target.items()
    if key == "file":
        return targets.units_in_file(Path(value))
    if key == "module":
        sys.path.append(os.getcwd())
        return targets.units_in_module(value)
    if key == "kind":
        return targets.built_in_units(value)
    return [targets.named_unit(value)]


def _name(target: dict[str, str]) -> str:
    return next(iter(target.values()))


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)  # -1: unlimited
    lowest = min([MAX_MEMORY, *(limit for limit in (soft, hard) if limit >= 0)])
    resource.setrlimit(resource.RLIMIT_AS, (lowest, hard))


def _exit_with_parent(parent: int, exit_process: Callable[[int], Any]) -> None:
    """Exit once the supervisor is gone."""
    while os.getppid() == parent:
        time.sleep(1)
    exit_process(1)


def _record_os_exit(journal: Journal) -> None:
    """Record the line that calls os._exit, which leaves no other trace."""
    exit_process = os._exit

    def recorded_exit(code: int) -> Any:
        caller = sys._getframe(1)
        journal.write(exit=f"{caller.f_code.co_filename}:{caller.f_lineno}")
        exit_process(code)

    os._exit = recorded_exit  # type: ignore[assignment]  # mypy expects NoReturn


if __name__ == "__main__":
    main(*sys.argv[1:])
