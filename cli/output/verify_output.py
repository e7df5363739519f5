"""What nn verify prints: all laws of one file, or a table with a row per file and the diagnostics below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nnlaw.spec.violation import counted

if TYPE_CHECKING:
    from nnlaw.nn.verify.supervisor import Target, TargetResult

Reports = list[dict[str, Any]]
WORST_FIRST = ("error", "failed", "inconclusive", "passed")
COLORS = {
    "passed": "green", "failed": "red", "pass": "green", "fail": "red",
    "error": "red", "inconclusive": "yellow", "skipped": "yellow",
}  # fmt: skip


def verdict_of(reports: Reports) -> str:
    """The worst verdict among the plugins of a file."""
    return min((str(report["outcome"]) for report in reports), key=WORST_FIRST.index)


def held(reports: Reports) -> int:
    """How many laws held."""
    return sum(row["outcome"] == "pass" for report in reports for row in report["laws"])


def broken(reports: Reports) -> list[str]:
    """The codes of the broken laws."""
    return [row["law"] for report in reports for row in report["laws"] if row["outcome"] == "fail"]


def first_word(reports: Reports) -> str:
    """The first thing to know of these plugins: a diagnostic, a reason, or their names."""
    for report in reports:
        for violation in report["violations"]:
            return str(violation["message"]).replace("\n  ", "; ")
    reasons = [report["reason"] for report in reports if report["reason"]]
    rows = [row for report in reports for row in report["laws"] if row["outcome"] == "inconclusive"]
    reasons += [f"{row['law']}: {row['reason']}" for row in rows]
    return str(reasons[0]) if reasons else ", ".join(f"{report['kind']} {report['name']}" for report in reports)


class Page:
    """The page as it grows: rows while the judging goes on, diagnostics at the end."""

    def __init__(self, targets: list[Target]) -> None:
        self.table = len(targets) > 1
        names = [next(iter(target.values())) for target in targets if "kind" not in target]
        self.width = max([len(name) for name in names] + [34 if len(names) < len(targets) else 8])
        self.kept: Reports = []
        self.left = len(targets)
        if self.table:
            click.echo(f"{'what':{self.width}}  {'verdict':12}  {'laws held':>9}")

    def add(self, outcome: TargetResult) -> None:
        """Show one outcome."""
        self.kept += outcome.reports
        if not self.table:
            for report in outcome.reports:
                self.laws(report)
        elif "kind" in outcome.target:
            for report in outcome.reports:
                self.row(f"{report['kind']} {report['name']}", [report])
        elif outcome.reports:
            self.row(outcome.name, outcome.reports)

    def row(self, name: str, reports: Reports) -> None:
        """One line of the table."""
        verdict = verdict_of(reports)
        found = first_word(reports) if verdict != "passed" else ""
        colored = click.style(f"{verdict:12}", COLORS[verdict])
        click.echo(f"{name:{self.width}}  {colored}  {held(reports):9}  {', '.join(broken(reports)) or found}".rstrip())

    def laws(self, report: dict[str, Any]) -> None:
        """Every law of one plugin."""
        click.echo(f"{report['kind']} {report['name']}: {click.style(report['outcome'], COLORS[report['outcome']])}")
        for row in report["laws"]:
            reason = row["reason"] if row["outcome"] not in ("pass", "fail") else ""
            colored = click.style(f"{row['outcome']:15}", COLORS.get(row["outcome"]))
            click.echo(f"  {row['law']:22} {colored} {reason}".rstrip())

    def close(self) -> None:
        """The diagnostics, and how it went in one line."""
        for report in self.kept:
            said = [report["reason"]] if report["reason"] else []
            said += [str(violation["message"]) for violation in report["violations"]]
            for text in said:
                click.echo(f"\n{text}")
        counts = {word: sum(report["outcome"] == word for report in self.kept) for word in reversed(WORST_FIRST)}
        told = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
        click.echo(f"\n{counted(len(self.kept), 'plugin')}: {told}; {counted(held(self.kept), 'law')} held")
