"""Check files, modules and built-in plugins; code that is not built in runs in a process with limits.

    result = check_target({"file": "mine.py"})
    result.reports      one report per unit, as in `nn verify --json`
    result.printed      what the code under test printed

That process only makes calls. Laws, random inputs, references and outcomes are computed here, so what is checked has
no part in its own outcome.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from nnlaw.nn.plugins.errors import describe_internal_error
from nnlaw.nn.plugins.registry import KINDS
from nnlaw.nn.verify.check_unit import check_unit, is_checked_by, label_of
from nnlaw.nn.verify.process import SubjectProcess
from nnlaw.nn.verify.targets import units_in_process
from nnlaw.spec.declared_exceptions import UNCHECKED, DeclaredException, ignore_comments, laws_defined_in
from nnlaw.spec.discovery.found import Found
from nnlaw.spec.discovery.found_data import from_data
from nnlaw.spec.report import EVERYTHING, Report, UnitOutcome
from nnlaw.spec.subjects.remote_error import RemoteError, RemoteExit
from nnlaw.spec.subjects.remote_subject import RemoteSubject, SubjectEnded
from nnlaw.spec.subjects.unit import Unit
from nnlaw.spec.violation import BadInput, Location, NothingToCheck

STARTUP = 30.0  # seconds for the process to start on a busy machine, not counted toward the timeout
MAX_OUTPUT = 20_000  # characters kept of what the code under test prints
MAX_TEXT = 10_000  # characters of each text in a report
MAX_NAME = 200  # characters of a unit's name
MAX_UNITS = 1000
MAX_NAMES = 8  # of definitions that no law checks
MAX_NOTES, MAX_NOTE = 50, 500  # remarks on how a file was loaded, and their characters
T = TypeVar("T")

UNPROTECTED = {"landlock": "write files", "seccomp": "change modes of files", "namespaces": "use the network"}
"""What code can do without a mechanism of spec/subjects/sandbox.py."""

Target = dict[str, str]
"""What to check: {"file": path}, {"module": name}, {"name": plugin} or {"kind": kind}."""


@dataclass
class TargetResult:
    """The result of one target: a report per unit, and what the code under test printed."""

    target: Target
    reports: list[dict[str, Any]] = field(default_factory=list)
    printed: str = ""
    sandbox: frozenset[str] | None = None
    """The mechanisms that kept the code from files, the network and other processes; None if it ran in this one."""
    ignores: list[DeclaredException] = field(default_factory=list)
    """The exceptions that comments of the file declare."""
    laws_not_run: list[str] = field(default_factory=list)
    """The codes of the laws that the file defines: what is checked has no part in its own outcome."""
    ignored: list[str] = field(default_factory=list)
    """The exceptions that the code declares, but that did not count, because `CheckOptions.exceptions` is false."""
    ended_at: str | None = None
    """`mine.py:5` if the process ended before it listed the units; empty if it was not in the user's code."""

    @property
    def name(self) -> str:
        """The file, module or plugin as the user named it."""
        return next(iter(self.target.values()))

    def unprotected(self) -> list[str]:
        """What the code could do for lack of a sandbox."""
        missing = set() if self.sandbox is None else set(UNPROTECTED) - self.sandbox
        return [UNPROTECTED[name] for name in missing]


MAX_SEED = 2**63 - 1
IN_THIS_PROCESS = threading.Lock()  # laws of built-in code set random seeds, and watch the generators


@dataclass(frozen=True)
class CheckOptions:
    """Codes of the laws to check (all if empty), random seed, and seconds allowed for the import and for each unit.

    `ignores` are declared exceptions, besides those that the code declares; with `exceptions` false, all are ignored.
    With `explain` false, neither a fix nor the smallest input that fails is searched. A place outside the folder
    `within`, which the code under test has made up, is reported as one in its file.
    """

    laws: tuple[str, ...] = ()
    seed: int = 0
    timeout: float = 60.0
    ignores: tuple[DeclaredException, ...] = ()
    exceptions: bool = True
    explain: bool = True
    within: str = ""


def check_targets(targets: list[Target], options: CheckOptions, jobs: int = 1) -> Iterator[TargetResult]:
    """The result of each target, in order; `jobs` run in parallel."""
    stop = threading.Event()
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        try:
            yield from pool.map(lambda target: check_target(target, options, stop), targets)
        finally:
            stop.set()  # if interrupted, running processes are killed


def check_target(
    target: Target, options: CheckOptions | None = None, stop: threading.Event | None = None
) -> TargetResult:
    """Check one target, until `stop` is set. Files and modules are imported in a process of their own.

    If that process ends while it is used for a unit, the report of this unit is an error, and a new process is used
    for the rest.
    """
    options, stop = options or CheckOptions(), stop or threading.Event()
    result = TargetResult(target)
    if {"name", "kind"} & set(target):
        with IN_THIS_PROCESS:
            units = [unit for unit in units_in_process(target) if is_checked_by(unit, options.laws)]
            result.reports = [_as_data(_checked(unit, options)) for unit in units]
    else:
        try:
            _TargetCheck(result, _with_comments(result, options), stop).run()
        except BadInput as error:  # a comment
            result.reports.append(_as_data(Report(Path(result.name).stem[:MAX_NAME], "file", reason=str(error))))
        except Exception as error:  # a bug in nn: the other targets are checked all the same
            reason = f"{result.name}: {describe_internal_error(error)}"
            result.reports.append(_as_data(Report(Path(result.name).stem, "file", reason=reason, internal=True)))
    return result


def _with_comments(result: TargetResult, options: CheckOptions) -> CheckOptions:
    """The options with the exceptions that apply to a file: those of the project, and those of its comments.

    Those of the project apply to all that the file contains, even if the code under test reports another place.
    Raises BadInput for a comment that is not valid.
    """
    file = result.target.get("file")
    if file is None:
        return options
    if os.path.exists(file) and not os.path.isfile(file):  # reading a pipe would block
        raise BadInput(f"{file}: not a file, expected a Python file or a notebook")
    result.laws_not_run = laws_defined_in(file)
    result.ignores = ignore_comments(file) if options.exceptions else []
    project = [replace(row, path="*") for row in options.ignores if row.is_in(file)]
    return replace(options, ignores=(*project, *result.ignores))


def listed(target: Target, options: CheckOptions) -> list[str]:
    """One line for each unit of a target, with the way to call it, and for what no law checks."""
    if {"name", "kind"} & set(target):
        return [unit.label for unit in units_in_process(target)]
    check = _TargetCheck(TargetResult(target), options, threading.Event())
    with SubjectProcess(check.stop) as process:
        try:
            units = check.opened(process)
        except (_NotLoaded, NothingToCheck) as error:
            return [str(each) for each in check.nothing] or [str(error)]
        lines = [str(unit) if isinstance(unit, Found) else label_of(unit) for unit in units]
    return [*lines, *map(str, check.nothing)]


@dataclass
class _TargetCheck:
    """The check of one file or module, in one process after the other."""

    result: TargetResult
    options: CheckOptions
    stop: threading.Event
    plan: list[tuple[str, str]] | None = None
    """Kind and name of each unit, as the first process listed them."""
    done: int = 0
    nothing: list[Found] = field(default_factory=list)
    """Definitions of the file that no law checks."""
    notes: list[str] = field(default_factory=list)
    """Remarks on how the file was loaded, which are part of the first report."""
    failed: Report | None = None
    """The report of the next unit if it failed, but its process ended while a fix was searched."""

    def run(self) -> None:
        """Check each unit."""
        while self.plan is None or (self.done < len(self.plan) and not self.stop.is_set()):
            with SubjectProcess(self.stop) as process:
                try:
                    self.check_rest(process)
                except (_NotLoaded, NothingToCheck) as error:
                    self.add(self.without_units(error))
                    self.plan = self.plan or []
                    self.done = len(self.plan)
            self.result.sandbox = process.sandbox()
            self.result.printed = (self.result.printed + process.printed())[:MAX_OUTPUT]

    def check_rest(self, process: SubjectProcess) -> None:
        """Check the units that have no report yet, until the process ends."""
        units = self.opened(process)
        found = [(unit.kind, unit.name) for unit in units]
        if self.plan is not None and found != self.plan:
            raise _NotLoaded(f"{self.result.name}: it defines other units when it is imported again")
        self.plan = found
        for unit in units[self.done :]:
            if is_checked_by(unit, self.options.laws):
                process.allow(self.options.timeout)
                label = f"{unit.kind} {unit.name}"
                try:
                    label = label_of(unit)
                    report = _checked(unit, self.options, explain=self.options.explain and self.failed is None)
                except SubjectEnded as error:
                    if error.while_explaining and self.failed is None:
                        self.failed = Report(unit.name, unit.kind)
                        return  # the next process checks this unit again, without a search for a fix
                    report = Report(unit.name, unit.kind, reason=_message(process, error, unit, label))
                    self.add(report)
                    self.next()
                    return
                if self.failed is not None and report.outcome is not UnitOutcome.FAILED:
                    report = Report(unit.name, unit.kind, reason=f"{unit.name}: it fails once and passes once")
                self.add(report)
            self.next()

    def next(self) -> None:
        """Count a unit as done."""
        self.done, self.failed = self.done + 1, None

    def add(self, report: Report) -> None:
        """Add the report of a unit; the first one has the remarks on the file."""
        if not self.result.reports:
            report.notes = [*report.notes, *self.notes]
        self.result.reports.append(_as_data(report))

    def without_units(self, error: Exception) -> Report:
        """The report on a file that could not be loaded, or has nothing to check."""
        name = Path(self.result.name).stem[:MAX_NAME]
        if not isinstance(error, NothingToCheck):
            return Report(name, "file", reason=str(error))
        places = [Location(path=self.result.name)]
        ignores = [row for row in self.options.ignores if row.law == UNCHECKED and row.covers(places)]
        exception = ignores[0] if ignores else None
        return Report(name, "file", missing={EVERYTHING: str(error)}, exception=exception)

    def opened(self, process: SubjectProcess) -> list[Unit | Found]:
        """The units of the target, which live in the process. Raises _NotLoaded."""
        name = self.result.name
        target, file = self.result.target, os.path.abspath(name) if "file" in self.result.target else name
        paths = {"file": os.fsencode(file)} if "file" in target else {}  # not a text if it is not UTF-8
        request = {**target, **paths, "folder": os.fsencode(_current_folder())}
        try:
            if self.options.within:
                process.connection.confine(self.options.within, file)
            process.allow(STARTUP)
            process.connection.request("open", None, {})
            process.allow(self.options.timeout)
            opened = _typed(process.connection.request("open", None, request), dict)
            found = [from_data(row) for row in _typed(opened.get("found"), list)[:MAX_UNITS]]
            self.notes = [_typed(note, str)[:MAX_NOTE] for note in _typed(opened.get("notes"), list)[:MAX_NOTES]]
            self.nothing = [each for each in found if not each.kind]
            if self.nothing:
                names = ", ".join(each.name for each in self.nothing[:MAX_NAMES])
                more = f" and {len(self.nothing) - MAX_NAMES} more" if len(self.nothing) > MAX_NAMES else ""
                self.notes.append(f"no law checks by itself: {names}{more} (nn verify --list shows why)")
            registered = _units(opened.get("units"))
            if not self.options.exceptions:
                rows = [(unit.name, unit.expected) for unit in registered if isinstance(unit.expected, dict)]
                texts = [f"{name}: {law}: {reason}" for name, expected in rows for law, reason in expected.items()]
                self.result.ignored = [text[:MAX_NOTE] for text in texts[:MAX_NOTES]]
            units: list[Unit | Found] = [*registered, *(each for each in found if each.kind)]
            if not units:
                raise NothingToCheck(_nothing(name, found))
            return units
        except BadInput as error:
            kind = NothingToCheck if isinstance(error, NothingToCheck) else _NotLoaded
            raise kind(str(error).replace(file.encode(errors="backslashreplace").decode(), name)) from None
        except SubjectEnded as error:
            place = process.place or name
            self.result.ended_at = process.place
            raise _NotLoaded(f"{place}: {error}") from None
        except (RemoteExit, RemoteError) as error:
            raise _NotLoaded(f"{name}: {type(error).__name__} on import: {error}") from None


class _NotLoaded(Exception):
    """No units; the reason as text."""


def _nothing(name: str, found: list[Found]) -> str:
    """Why there is nothing to check in a file."""
    reasons = list(dict.fromkeys(each.reason for each in found if each.reason))
    return f"{name}: nothing to check: " + ("; ".join(reasons[:3]) or "it defines no layer, loss, network, ...")


def _typed(value: Any, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise SubjectEnded("it sent something else than units")
    return value


def _units(rows: Any) -> list[Unit]:
    """The units that the process lists. Raises SubjectEnded if it lists something else."""
    if not isinstance(rows, list) or len(rows) > MAX_UNITS:
        raise SubjectEnded("it sent something else than units")
    units: list[Unit] = []
    for row in rows:
        if not (isinstance(row, tuple) and len(row) == 4 and isinstance(row[2], RemoteSubject) and row[0] in KINDS):
            raise SubjectEnded("it sent something else than a unit")
        units.append(Unit(row[0], str(row[1])[:MAX_NAME], row[2], expected=row[3]))
    return units


def _checked(unit: Unit | Found, options: CheckOptions, *, explain: bool = True) -> Report:
    expected: dict[str, str] | None = None if options.exceptions else {}
    return check_unit(
        unit, list(options.laws), options.seed, explain=explain, expected=expected, ignores=options.ignores
    )


def _message(process: SubjectProcess, error: SubjectEnded, unit: Unit | Found, label: str) -> str:
    """`mine.py:5: layer swish: timed out after 10 s`; the label begins with a place, too."""
    return f"{process.place}: {unit.kind} {unit.name}: {error}" if process.place else f"{label}: {error}"


def _as_data(report: Report) -> dict[str, Any]:
    """The report as data for JSON, with texts of a sane length."""
    found: dict[str, Any] = _cut(report.to_dict())
    return found


def _cut(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MAX_TEXT:
        return f"{value[:MAX_TEXT]}... and {len(value) - MAX_TEXT:,} more characters"
    if isinstance(value, dict):
        return {key: _cut(each) for key, each in value.items()}
    return [_cut(each) for each in value] if isinstance(value, list | tuple) else value


def _current_folder() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return ""
