"""What nn grade prints: a table with a row per student, the laws that fail most, and a summary.

    print_grades(grades, rubric)
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from nnlaw.cli.output.console import console
from nnlaw.cli.output.streams import clean, one_line
from nnlaw.nn.grade.rubric import Rubric
from nnlaw.nn.grade.score import Grade
from nnlaw.nn.grade.statistics import failures, summary
from nnlaw.spec.violation import counted

BAR = "█"
MAX_BAR = 30  # cells
MAX_STUDENT = 28
MAX_HEADING = 14


def print_grades(grades: Sequence[Grade], rubric: Rubric) -> None:
    """Print the table, the remarks, a bar per law that fails, and the summary."""
    out = console()
    if rubric.title:
        out.print(Text(one_line(rubric.title), "bold"))
    out.print(_table(grades, rubric))
    for grade in grades:
        for remark in remarks(grade):
            out.print(Text.assemble((one_line(grade.student), "bold"), f": {one_line(remark)}"))
    rows = failures(grades)
    if rows:
        out.print(Text("\nlaws that fail, by number of students", "bold"))
        _print_bars(out, rows)
    out.print(Text(f"\n{summary_line(grades, rubric)}", "bold"))


def _table(grades: Sequence[Grade], rubric: Rubric) -> Table:
    table = Table(box=SIMPLE, pad_edge=False)
    table.add_column("student", no_wrap=True, max_width=MAX_STUDENT)
    table.add_column(f"score\n/{rubric.out_of:g}", justify="right", no_wrap=True)
    for requirement in rubric.requirements:
        heading = one_line(requirement.name)
        table.add_column(f"{heading}\n/{requirement.points:g}", justify="right", max_width=MAX_HEADING, overflow="fold")
    table.add_column("fails", overflow="fold")
    table.add_column("time", justify="right", no_wrap=True)
    for grade in grades:
        points = [Text(f"{row.points:g}", _style(row.points, row.requirement.points)) for row in grade.rows]
        score = Text(f"{grade.score:g}{'*' if remarks(grade) else ''}", _style(grade.score, grade.out_of))
        fails = Text(", ".join(grade.failed_laws))
        table.add_row(Text(one_line(grade.student)), score, *points, fails, f"{grade.checked.seconds:.1f} s")
    return table


def _style(points: float, most: float) -> str:
    return "green" if points >= most else "yellow" if points else "red"


def remarks(grade: Grade) -> list[str]:
    """What a teacher should see besides the points."""
    found = ["late"] if grade.checked.submission.late else []
    found += [f"same code as {', '.join(grade.copies)}"] if grade.copies else []
    found += [f"declares an exception, which does not count: {text}" for text in grade.checked.exceptions]
    found += grade.checked.problems
    found += [f"{row.requirement.name}: review: {row.reason}" for row in grade.rows if row.review]
    stopped = [report for _, report in grade.checked.reports if report["outcome"] == "error"]
    return found + list(dict.fromkeys(report["reason"] for report in stopped))


def _print_bars(out: Console, rows: Sequence[tuple[str, int]]) -> None:
    """One bar per law, scaled to the longest."""
    width, most = max(len(law) for law, _ in rows), rows[0][1]
    cells = max(5, min(MAX_BAR, out.width - width - 10))
    for law, count in rows:
        bar = BAR * max(1, round(cells * count / most))
        out.print(Text.assemble(f"  {clean(law):{width}}  ", (bar, "red"), f" {count}"))


def summary_line(grades: Sequence[Grade], rubric: Rubric) -> str:
    """`40 students: mean 21.3 of 30, median 24; 9 with all points, 4 with 0; 3 to review`."""
    found = summary(grades)
    text = f"{counted(len(grades), 'student')}: mean {found['mean']:.3g} of {rubric.out_of:g}"
    text += f", median {found['median']:.3g}; {found['full']:g} with all points, {found['zero']:g} with 0"
    return f"{text}; {found['review']:g} to review" if found["review"] else text
