"""The verdicts of nn verify for other programs: JUnit XML for a build server, CSV for a spreadsheet."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnlaw.cli.output.verify_output import broken, first_word, held, verdict_of
from nnlaw.spec.violation import BadInput

if TYPE_CHECKING:
    from nnlaw.nn.verify.supervisor import TargetResult

NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(path: Path, content: str) -> None:
    """Write whole or not at all. Raises BadInput where that fails."""
    from nnlaw.nn.core.atomic_write import replace_file

    try:
        replace_file(path, content.encode())
    except OSError as error:
        raise BadInput(f"{path}: cannot be written: {error.strerror}") from error


def csv(outcomes: list[TargetResult]) -> str:
    """A row per file: its worst verdict, how many laws held, which are broken, and the first diagnostic."""
    import csv as table
    import io

    text = io.StringIO()
    writer = table.writer(text)
    writer.writerow(["file", "outcome", "units", "passed", "failed", "diagnostic"])
    for outcome in (outcome for outcome in outcomes if outcome.reports):
        reports = outcome.reports
        names = " ".join(f"{report['kind']}:{report['name']}" for report in reports)
        verdict = verdict_of(reports)
        said = "" if verdict == "passed" else first_word(reports)
        writer.writerow([outcome.name, verdict, names, held(reports), " ".join(broken(reports)), said])
    return text.getvalue()


def junit(outcomes: list[TargetResult]) -> str:
    """A suite per file, a case per plugin and law; what is not judged is skipped, with the reason."""
    from xml.etree import ElementTree

    root = ElementTree.Element("testsuites")
    for outcome in outcomes:
        suite = ElementTree.SubElement(root, "testsuite", name=plain(outcome.name))
        for report in outcome.reports:
            for name, verdict, reason in _cases(report):
                case = ElementTree.SubElement(
                    suite, "testcase", classname=plain(f"{report['kind']}.{report['name']}"), name=plain(name)
                )
                if verdict != "pass":
                    sort = {"fail": "failure", "error": "error", "inconclusive": "error"}.get(verdict, "skipped")
                    ElementTree.SubElement(case, sort, message=plain(reason or verdict))
        for sort in ("failure", "error", "skipped"):
            suite.set({"failure": "failures", "error": "errors"}.get(sort, sort), str(len(suite.findall(f"*/{sort}"))))
        suite.set("tests", str(len(suite.findall("testcase"))))
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _cases(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    if report["reason"] or not report["laws"]:
        return [("verdict", report["outcome"], report["reason"])]
    return [(row["law"], row["outcome"], row["reason"]) for row in report["laws"]]


def plain(text: str) -> str:
    """The text without what XML cannot hold."""
    return NO_XML.sub("?", text)
