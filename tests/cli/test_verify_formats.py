"""nn verify --output-format: SARIF, annotations of GitHub Actions, CSV."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from nnlaw.cli.output.github_output import to_github
from nnlaw.cli.output.sarif_output import to_sarif
from nnlaw.nn.verify.supervisor import TargetResult
from nnlaw.spec.declared_exceptions import DeclaredException
from nnlaw.spec.report import LawResult, Outcome, Report
from nnlaw.spec.violation import Edit, Location, Suggestion, Violation

POSITIVE = {"type": "integer", "minimum": 1}
TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}


def closed(required: list[str], **properties: Any) -> dict[str, Any]:
    """The schema of an object with these properties and no others."""
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


ARTIFACT = closed(["uri"], uri={"type": "string", "pattern": r"^(file:///)?([A-Za-z0-9._~/!$&'()*+,;=@-]|%[0-9A-F]{2})+$"})
REGION = closed(["startLine"], startLine=POSITIVE, startColumn=POSITIVE, endLine=POSITIVE, endColumn=POSITIVE)
REPLACEMENT = closed(["deletedRegion"], deletedRegion=REGION, insertedContent=closed(["text"], text={"type": "string"}))
CHANGE = closed(
    ["artifactLocation", "replacements"],
    artifactLocation=ARTIFACT,
    replacements={"type": "array", "minItems": 1, "items": REPLACEMENT},
)
LOCATION = closed(
    [],
    physicalLocation=closed(["artifactLocation"], artifactLocation=ARTIFACT, region=REGION),
    logicalLocations={"type": "array", "items": closed([], fullyQualifiedName={"type": "string"})},
)
RESULT = closed(
    ["message", "ruleId", "ruleIndex"],
    ruleId={"type": "string"},
    ruleIndex={"type": "integer", "minimum": 0},
    level={"enum": ["none", "note", "warning", "error"]},
    message=TEXT,
    locations={"type": "array", "items": LOCATION},
    partialFingerprints={"type": "object", "additionalProperties": {"type": "string"}},
    fixes={
        "type": "array",
        "items": closed(["artifactChanges"], description=TEXT, artifactChanges={"type": "array", "items": CHANGE}),
    },
)
RULE = closed(["id"], id={"type": "string"}, shortDescription=TEXT, help=TEXT)
NOTIFICATION = closed(["message"], level={"enum": ["none", "note", "warning", "error"]}, message=TEXT)
RUN = closed(
    ["tool"],
    tool=closed(["driver"], driver=closed(
        ["name"], name={"type": "string"}, version={"type": "string"},
        rules={"type": "array", "uniqueItems": True, "items": RULE},
    )),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    invocations={"type": "array", "items": closed(
        ["executionSuccessful"], executionSuccessful={"type": "boolean"},
        toolExecutionNotifications={"type": "array", "items": NOTIFICATION},
    )},
    results={"type": "array", "items": RESULT},
)  # fmt: skip
SARIF = closed(
    ["version", "runs"],
    **{"$schema": {"type": "string"}},
    version={"const": "2.1.0"},
    runs={"type": "array", "items": RUN},
)
"""The part of the schema of SARIF 2.1.0 that is used here."""

ODD = "a,b:c 100%/läyers.py"


@pytest.fixture(autouse=True)
def no_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests may run in GitHub Actions."""
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)


def result(*reports: Report, file: str = "layers.py") -> TargetResult:
    """The result of a file."""
    return TargetResult({"file": file}, [report.to_dict() for report in reports])


def failing(path: str = "layers.py", **fields: Any) -> Report:
    """A report with one law that fails, in line 12."""
    place = Location("Softmax", "backward", path, 12, 5)
    values = {"actual": "1", "expected": "2", "array": "dx", "index": (0, 1), **fields}
    violation = Violation("gradient", location=place, **values)
    return Report("Softmax", "layer", [LawResult("gradient", Outcome.FAIL, violation=violation)])


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """The workflow commands of a text, as the runner of GitHub Actions reads them: name, properties, message."""
    found = []
    for line in text.splitlines():
        name, properties, message = re.fullmatch(r"::([a-z]+) ([^:]*)::(.*)", line).groups()  # type: ignore[union-attr]
        rows = dict(part.split("=", 1) for part in properties.split(","))
        found.append((name, {key: unescaped(value, True) for key, value in rows.items()}, unescaped(message, False)))
    return found


def unescaped(text: str, is_property: bool) -> str:
    """The text of a message or property."""
    escapes = [("%0D", "\r"), ("%0A", "\n"), *([("%3A", ":"), ("%2C", ",")] if is_property else []), ("%25", "%")]
    for escape, character in escapes:
        text = text.replace(escape, character)
    return text


def test_an_annotation_has_the_place_the_law_and_the_message() -> None:
    """It is one line, and the message keeps its lines."""
    ((name, properties, message),) = commands(to_github([result(failing())], []))
    assert name == "error"
    assert properties == {"file": "layers.py", "line": "12", "col": "5", "title": "gradient: layer:Softmax"}
    assert message.splitlines()[0] == "layers.py:12:5: gradient: dx of Softmax.backward is wrong"
    assert message.splitlines()[1].strip() == "dx[0, 1] = 1, expected 2"


def test_special_characters_of_an_annotation_are_escaped() -> None:
    """A path and a message with separators, percent signs and line ends are read back unchanged."""
    report = failing(ODD, cause="100%::error\r\nsecond line, %0A")
    ((_, properties, message),) = commands(to_github([result(report, file=ODD)], []))
    assert properties["file"] == ODD and "100%::error\\r\nsecond line, %0A" in message


def test_what_is_not_checked_is_a_warning_and_an_error_is_an_error() -> None:
    """Both name the file; an ignore that is not needed is a notice."""
    reports = [Report("Odd", "layer", missing={"everything": "no way to call it"}), Report("net", "file", reason="bad")]
    unneeded = [DeclaredException("gradient", "old", "layers.py:3")]
    found = commands(to_github([result(*reports)], unneeded))
    assert [name for name, _, _ in found] == ["warning", "error", "notice"]
    titles = [properties["title"] for _, properties, _ in found]
    assert titles == ["unchecked: layer:Odd", "error: file:net", "not needed"]
    assert found[0][1]["file"] == "layers.py" and "no way to call it" in found[0][2]


def test_an_annotation_of_a_notebook_has_no_line() -> None:
    """Lines of its cells are not lines of the file."""
    ((_, properties, _),) = commands(to_github([result(failing("net.ipynb"), file="net.ipynb")], []))
    assert properties["file"] == "net.ipynb" and "line" not in properties


def test_paths_are_relative_to_the_checkout(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GitHub resolves them from the root of the repository, also if a step runs in a folder of it."""
    (workplace / "backend").mkdir()
    monkeypatch.chdir(workplace / "backend")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(workplace))
    ((_, properties, _),) = commands(to_github([result(failing())], []))
    assert properties["file"] == "backend/layers.py"
    (run,) = json.loads(to_sarif([result(failing())], []))["runs"]
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "backend/layers.py"


def test_sarif_fits_its_schema() -> None:
    """Failures, fixes, odd paths, what is not checked, and notes."""
    store = Edit("layers.py", 8, 9, 8, 9, "", "self.x = x\n")
    edit = Edit("layers.py", 12, 9, 12, 15, "axis=0", "axis=1", (store,))
    reports = [failing(suggestion=Suggestion((edit,))), failing(ODD), Report("net", "file", reason="bad")]
    unneeded = [DeclaredException("gradient", "old", "layers.py:3")]
    found = json.loads(to_sarif([result(*reports)], unneeded))
    Draft202012Validator(SARIF).validate(found)
    (run,) = found["runs"]
    rows = run["results"]
    rules = run["tool"]["driver"]["rules"]
    assert [row["ruleId"] for row in rows] == ["gradient", "gradient", "error"]
    assert all(rules[row["ruleIndex"]]["id"] == row["ruleId"] for row in rows)
    stored, replacement = rows[0]["fixes"][0]["artifactChanges"][0]["replacements"]
    assert stored["insertedContent"] == {"text": "self.x = x\n"} and replacement == {
        "deletedRegion": {"startLine": 12, "startColumn": 9, "endLine": 12, "endColumn": 15},
        "insertedContent": {"text": "axis=1"},
    }
    assert rows[1]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "a%2Cb%3Ac%20100%25/l%C3%A4yers.py"


def test_fingerprints_stay_when_lines_move() -> None:
    """They depend on path, unit and law."""
    moved = failing()
    moved.results[0].violation.location = Location("Softmax", "backward", "layers.py", 40, 1)  # type: ignore[union-attr]
    prints = [
        json.loads(to_sarif([result(report)], []))["runs"][0]["results"][0]["partialFingerprints"]
        for report in (failing(), moved, failing("other.py"))
    ]
    assert prints[0] == prints[1] != prints[2]


SOURCE = """print("::error::injected")
class Double:
    def forward(self, x):
        return 2 * x
    def backward(self, dy):
        return {slope} * dy
"""


@pytest.mark.slow
def test_each_format_of_the_command(workplace: Path, nn: Any) -> None:
    """Standard output holds nothing else; the exit code is that of the text."""
    Path("bad.py").write_text("from nnlaw import layer\n" + SOURCE.format(slope=1), encoding="utf-8")
    code, out, err = nn("verify", "bad.py", "--output-format", "github")
    assert code == 1 and commands(out)[0][1]["title"] == "gradient: layer:Double" and "injected" not in out + err
    code, out, _ = nn("verify", "bad.py", "--output-format", "sarif")
    assert code == 1
    Draft202012Validator(SARIF).validate(json.loads(out))
    code, out, _ = nn("verify", "bad.py", "--output-format", "csv")
    (row,) = csv.DictReader(out.splitlines())
    assert code == 1 and row["outcome"] == "failed"
    code, out, _ = nn("verify", "bad.py", "--output-format", "json")
    assert code == 1 and json.loads(out)["units"][0]["outcome"] == "failed"
    assert nn("verify", "bad.py", "--output-format", "sarif", "--json")[0] == 2


@pytest.mark.slow
def test_a_baseline_covers_what_it_records(workplace: Path, nn: Any) -> None:
    """Exit code 0 with it, 1 for another failure; entries that are not needed are reported, and no exit code."""
    (workplace / "src").mkdir()
    Path("src/bad.py").write_text(SOURCE.format(slope=1), encoding="utf-8")
    Path("src/broken.py").write_text("x = = 1\n", encoding="utf-8")
    Path("src/odd.py").write_text("class Odd:\n    def forward(self, x):\n        return 2 * x\n", encoding="utf-8")
    assert nn("verify", "src")[0] == 2
    code, _, err = nn("verify", "src", "--baseline", "known.toml", "--write-baseline")
    assert code == 0 and "known failures written" in err
    code, out, _ = nn("verify", "src", "--baseline", "known.toml")
    assert code == 0 and "declared exception: gradient: a known failure (known.toml)" in out and "is wrong" not in out
    code, out, _ = nn("verify", "src", "--baseline", "known.toml", "--output-format", "github")
    assert (code, out.strip()) == (0, "")

    Path("src/new.py").write_text(SOURCE.format(slope=3), encoding="utf-8")
    code, out, _ = nn("verify", "src", "--baseline", "known.toml")
    assert code == 1 and "src/new.py" in out

    Path("src/new.py").unlink()
    Path("src/bad.py").write_text(SOURCE.format(slope=2), encoding="utf-8")
    code, out, _ = nn("verify", "src", "--baseline", "known.toml")
    assert code == 0 and "known.toml: src/bad.py: layer:Double: the ignore of gradient is not needed" in out


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "No such file"), ("known = 3", "not a base"), ("known = [{path = 1}]", "not a base"), ("=", "not a base")],
)
def test_an_unusable_baseline_is_refused(workplace: Path, nn: Any, content: str | None, words: str) -> None:
    """In one sentence, with exit code 2."""
    if content is not None:
        Path("known.toml").write_text(content, encoding="utf-8")
    code, _, err = nn("verify", "relu", "--baseline", "known.toml")
    assert code == 2 and words in err and len(err.splitlines()) == 1


def test_writing_a_baseline_needs_its_file(workplace: Path, nn: Any) -> None:
    """It is bad usage without --baseline."""
    assert nn("verify", "relu", "--write-baseline")[0] == 2
