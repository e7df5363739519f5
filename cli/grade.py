"""nn grade: grade the submissions of a class by a rubric."""

from __future__ import annotations

import os
from pathlib import Path

import click

import nnlaw.nn.builtin  # noqa: F401  # registers the kinds of plugins
from nnlaw.cli.output import csv_output, grade_csv
from nnlaw.cli.output.feedback import HINTS, write_feedback
from nnlaw.cli.output.grade_output import print_grades
from nnlaw.cli.output.gradescope import to_gradescope
from nnlaw.cli.output.option_checks import finite
from nnlaw.cli.output.progress import counting_files
from nnlaw.cli.output.streams import echo, print_text
from nnlaw.nn.grade.check import GradeOptions, check_submissions
from nnlaw.nn.grade.copies import copies
from nnlaw.nn.grade.rubric import Rubric, read_rubric, rubric_from
from nnlaw.nn.grade.score import Grade, graded
from nnlaw.nn.grade.submissions import Submission, submissions
from nnlaw.nn.verify.supervisor import MAX_SEED
from nnlaw.spec.report import UnitOutcome
from nnlaw.spec.violation import BadInput


@click.command()
@click.argument("folder", metavar="SUBMISSIONS", required=False, type=click.Path(path_type=Path))
@click.option("--rubric", "rubric_file", type=click.Path(dir_okay=False, path_type=Path),
              help="What is required, and the points for it.")
@click.option("--new", "reference", metavar="REFERENCE", type=click.Path(path_type=Path),
              help="Print a rubric that requires what a reference solution contains, or write it to --rubric.")
@click.option("--single", is_flag=True, help="SUBMISSIONS is the submission of one student.")
@click.option("--csv", type=click.Path(dir_okay=False, path_type=Path), help="Write a row per student.")
@click.option("--feedback", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
              help="Write a Markdown file per student.")
@click.option("--gradescope", type=click.Path(dir_okay=False, path_type=Path),
              help="Write results.json of Gradescope; with --single.")
@click.option("--hints", type=click.Choice(HINTS), default="cause", show_default=True,
              help="How much feedback shows of a failure besides line and numbers.")
@click.option("--seed", type=click.IntRange(0, MAX_SEED), default=0, show_default=True, help="Random seed.")
@click.option("--jobs", type=click.IntRange(min=1), default=min(2, os.cpu_count() or 1), show_default=True,
              help="Submissions to check in parallel.")
@click.option("--timeout", type=click.FloatRange(min=0.1), default=20.0, show_default=True, callback=finite,
              metavar="SECONDS", help="Seconds allowed to import a file, and to check each class.")
def command(
    folder: Path | None,
    rubric_file: Path | None,
    reference: Path | None,
    single: bool,
    csv: Path | None,
    feedback: Path | None,
    gradescope: Path | None,
    hints: str,
    seed: int,
    jobs: int,
    timeout: float,
) -> int:
    """Grade the submissions of a class by a rubric.

    SUBMISSIONS is a folder or a zip file with a folder, a zip file or files per student, as Moodle and Canvas export
    them. Submitted code stays as it is: classes and functions are found as `nn verify` finds them, and run in a
    process of their own. Exceptions that a student declares don't count.

    Exit code 0: submissions were graded, with any scores; 2: bad usage, or an unreadable rubric or folder.
    """
    options = GradeOptions(timeout, seed, hints != "none" and bool(feedback or gradescope), jobs)
    if reference is not None:
        if folder is not None:
            raise click.UsageError("--new REFERENCE takes no SUBMISSIONS")
        _write_new_rubric(reference, rubric_file, options)
        return 0
    if folder is None or rubric_file is None:
        raise click.UsageError("expected SUBMISSIONS and --rubric FILE; --new REFERENCE prints a rubric")
    if gradescope is not None and not single:
        raise click.UsageError("--gradescope needs --single: Gradescope grades one submission at a time")
    rubric = read_rubric(rubric_file)
    with submissions(folder, single=single, without=_own_files(rubric_file, rubric, csv, feedback)) as found:
        grades = _grades(found, rubric, options)
        if feedback is not None:
            write_feedback(grades, feedback, hints, rubric.title)
        if gradescope is not None:
            csv_output.write(gradescope, to_gradescope(grades[0], hints))
    if csv is not None:
        csv_output.write(csv, grade_csv.to_csv(grades, rubric))
    print_grades(grades, rubric)
    if unprotected := {text for grade in grades for text in grade.checked.unprotected}:
        echo(f"no sandbox on this system: checked code could {' and '.join(sorted(unprotected))}", err=True)
    return 0


def _own_files(rubric_file: Path, rubric: Rubric, csv: Path | None, feedback: Path | None) -> set[Path]:
    """Files of the teacher that may be in the folder of the submissions."""
    data = [row.data for row in rubric.requirements]
    return {path.resolve() for path in (rubric_file, csv, feedback, *data) if path is not None}


def _grades(found: list[Submission], rubric: Rubric, options: GradeOptions) -> list[Grade]:
    grades = []
    with counting_files(len(found), "submission") as progress:
        for checked in check_submissions(found, rubric, options):
            grades.append(graded(checked, rubric))
            progress.advance()
    for grade, same in zip(grades, copies(found), strict=True):
        grade.copies = same
    return grades


def _write_new_rubric(reference: Path, file: Path | None, options: GradeOptions) -> None:
    """Print the rubric of a reference solution, or write it. Raises BadInput if there is such a file already."""
    if file is not None and file.exists():
        raise BadInput(f"{file}: exists already; name a new file")
    text = _new_rubric(reference, options)
    if file is None:
        print_text(text)
    else:
        csv_output.write(file, text)


def _new_rubric(reference: Path, options: GradeOptions) -> str:
    """The rubric of a reference solution. Raises BadInput if not all of it passes."""
    with submissions(reference, single=True) as found:
        (checked,) = check_submissions(found, Rubric(()), options)
    units = [report for _, report in checked.reports if report["kind"] != "file"]
    if not units:
        reasons = [report["reason"] for _, report in checked.reports if report["reason"]]
        raise BadInput(f"{reference}: nothing to require: {'; '.join([*checked.problems, *reasons]) or 'no units'}")
    failed = [f"{report['name']} ({report['outcome']})" for report in units if report["outcome"] != UnitOutcome.PASSED]
    if failed:
        raise BadInput(f"{reference}: expected a solution that passes, but nn verify finds: {', '.join(failed)}")
    return rubric_from(units)
