"""Check a class: each submission in a process of its own, several in parallel, in the order of the submissions.

    for checked in check_submissions(submissions, rubric, GradeOptions(timeout=5)):
        print(checked.submission.student, len(checked.reports))

The code that students wrote runs where `nn verify` runs it. Exceptions that it declares don't count.
"""

from __future__ import annotations

import ast
import multiprocessing
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nnlaw.nn.grade.rubric import Requirement, Rubric
from nnlaw.nn.grade.submissions import Submission
from nnlaw.nn.grade.training import TrainingData, TrainingResult, train
from nnlaw.nn.plugins.errors import describe_internal_error
from nnlaw.nn.verify.supervisor import CheckOptions, TargetResult, check_target
from nnlaw.spec.declared_exceptions import ignore_comments
from nnlaw.spec.discovery.notebook import read_cells
from nnlaw.spec.syntax import parse
from nnlaw.spec.violation import BadInput

MAX_HANGS = 3  # definitions of a file that may hang, before the rest of the file is given up
ReportData = dict[str, Any]


@dataclass(frozen=True)
class GradeOptions:
    """Seconds per unit, random seed, whether causes and fixes are searched, and submissions to check in parallel."""

    timeout: float = 20.0
    seed: int = 0
    explain: bool = False
    jobs: int = 2


@dataclass
class CheckedSubmission:
    """A submission with the reports of `nn verify` on its units, each with its file."""

    submission: Submission
    reports: list[tuple[str, ReportData]] = field(default_factory=list)
    exceptions: list[str] = field(default_factory=list)
    """The exceptions that the student declared, which did not count."""
    trained: dict[str, TrainingResult] = field(default_factory=dict)
    """The results of training, by the name of the requirement."""
    problems: list[str] = field(default_factory=list)
    unprotected: list[str] = field(default_factory=list)
    """What the code could do for lack of a sandbox."""
    seconds: float = 0.0


def check_submissions(
    found: Sequence[Submission], rubric: Rubric, options: GradeOptions
) -> Iterator[CheckedSubmission]:
    """The checked submissions, in order. With more than one job, each worker has a process of its own."""
    data = {row.name: TrainingData.load(row.data) for row in rubric.requirements if row.train}
    jobs = min(options.jobs, len(found))
    if jobs <= 1:
        yield from (_checked(each, rubric, options, data) for each in found)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, initializer=_start_worker, initargs=(rubric, options, data)) as pool:
        try:
            yield from pool.map(_check_in_worker, found)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


_worker: list[Any] = []
"""Rubric, options and data of a worker."""


def _start_worker(*arguments: Any) -> None:
    _worker[:] = arguments
    sys.path[:] = [path for path in sys.path if os.path.isabs(path)]  # the current folder will be a student's


def _check_in_worker(submission: Submission) -> CheckedSubmission:
    return _checked(submission, *_worker)


def _checked(
    submission: Submission, rubric: Rubric, options: GradeOptions, data: dict[str, TrainingData]
) -> CheckedSubmission:
    """Check each file from the folder of the submission, so that all paths are relative to it."""
    start = time.monotonic()
    checked = CheckedSubmission(submission, problems=list(submission.problems))
    if submission.files:
        try:
            with _current_folder(submission.folder):
                _check_files(checked, rubric, options, data)
        except Exception as error:  # a bug in nn, which must not lose the rest of the class
            checked.problems.append(describe_internal_error(error))
    checked.seconds = time.monotonic() - start
    return checked


def _check_files(
    checked: CheckedSubmission, rubric: Rubric, options: GradeOptions, data: dict[str, TrainingData]
) -> None:
    for file in checked.submission.files:
        _check_file(checked, file, options)
    if not any(report["kind"] != "file" or report["reason"] for _, report in checked.reports):
        checked.problems.append("nothing to check: no layer, loss, network, ... is defined")
    for requirement in (row for row in rubric.requirements if row.train):
        file = _file_for(requirement, checked.submission.files)
        checked.trained[requirement.name] = train(requirement, file, data[requirement.name])


@contextmanager
def _current_folder(folder: Path) -> Iterator[None]:
    before, paths = os.getcwd(), list(sys.path)
    sys.path[:] = [path for path in sys.path if os.path.isabs(path)]  # nothing here is imported from a student
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
        sys.path[:] = paths


def _check_file(checked: CheckedSubmission, file: str, options: GradeOptions) -> None:
    """Add the reports on a file. A definition that hangs or exits is left out, and the rest is checked."""
    if not _defines_something(file):
        return
    check = CheckOptions(
        seed=options.seed, timeout=options.timeout, exceptions=False, explain=options.explain, within=os.getcwd()
    )
    target = {"file": file}
    try:
        checked.exceptions += [f"{row.source}: {row.law}: {row.reason}" for row in ignore_comments(file)]
    except BadInput as error:
        checked.exceptions.append(str(error))
    for _ in range(MAX_HANGS):
        result = check_target(target, check)
        if result.ended_at == "":  # perhaps the machine was busy
            result = check_target(target, replace(check, timeout=2 * options.timeout))
        checked.unprotected = result.unprotected()
        hung = _hung_definition(result, file)
        if not hung or hung in target.get("without", "").split():
            break
        reason = result.reports[0]["reason"]
        checked.reports.append((file, result.reports[0] | {"name": hung, "reason": reason}))
        target["without"] = f"{target.get('without', '')} {hung}".strip()
    checked.exceptions += [f"{file}: {text}" for text in result.ignored]
    checked.reports += [(file, report) for report in result.reports]


def _defines_something(file: str) -> bool:
    """Whether a file has a class or function, or can't be parsed, which checking it reports."""
    tree = _parsed(file)
    kinds = ast.ClassDef | ast.FunctionDef | ast.Lambda
    return tree is None or any(isinstance(node, kinds) for node in ast.walk(tree))


def _hung_definition(result: TargetResult, file: str) -> str:
    """The class or function that hung, or ended the process, while it was tried out; empty if it was another place."""
    path, _, line = (result.ended_at or "").rpartition(":")
    if path != file or not line.isdigit() or len(result.reports) != 1:
        return ""
    tree = _parsed(file)
    nodes = tree.body if tree else []
    return next(
        (
            node.name
            for node in nodes
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.lineno <= int(line) <= (node.end_lineno or 0)
        ),
        "",
    )


def _parsed(file: str) -> ast.Module | None:
    """The syntax tree of a file; None if it can't be read or parsed."""
    source = source_of(Path(file))
    try:
        return parse(source) if source.strip() or not os.path.getsize(file) else None
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def source_of(file: Path) -> str:
    """The text of a file, or of the code cells of a notebook; empty if it can't be read."""
    try:
        return read_cells(file)[0] if file.suffix == ".ipynb" else file.read_text(encoding="utf-8", errors="replace")
    except (OSError, BadInput, RecursionError):
        return ""


def _file_for(requirement: Requirement, files: Sequence[str]) -> str:
    """The file that has most of the names that the training code uses."""
    words = set(re.findall(r"[^\W\d]\w*", requirement.train + " " + requirement.predict))
    return max(files, key=lambda file: len(words.intersection(_defined(file))))


def _defined(file: str) -> set[str]:
    tree = _parsed(file)
    return {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)} if tree else set()
