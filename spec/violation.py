"""What a check can find, as data.

    Violation        a law fails: where, which number, what was expected, the likely cause, a suggested fix
    Cause            a likely cause: a stable code and a text
    Inconclusive     the law applies, but this case can't decide it
    NotApplicable    the law has nothing to check here
    BadInput         the input is unusable, in one sentence

Everything that is shown of a violation is made from its fields; no code reads the text back.
"""

from __future__ import annotations

import linecache
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from html import escape
from pathlib import Path
from types import CodeType
from typing import Any

MAX_LENGTH = 1000  # characters of a BadInput sentence


@dataclass(frozen=True)
class Location:
    """Where a violation was found: unit and method, then file, line and column (from 1; 0 if unknown)."""

    unit: str = ""
    method: str = ""
    path: str = ""
    line: int = 0
    column: int = 0

    @classmethod
    def of(cls, function: Any, unit: str = "") -> Location:
        """Where a function or method is defined, as far as it has a source."""
        code = getattr(getattr(function, "__func__", function), "__code__", None)
        name = getattr(function, "__name__", "")
        return cls(unit, name, code.co_filename, _def_line(code)) if code else cls(unit, name)

    @property
    def subject(self) -> str:
        """`dense(units=3).backward`."""
        return ".".join(dict.fromkeys(part for part in (self.unit, self.method) if part))

    @property
    def file(self) -> str:
        """The file's name without its folder."""
        return Path(self.path).name

    @property
    def shown_path(self) -> str:
        """The path relative to the current folder if the file is below it, else as it is."""
        return relative_to_cwd(self.path)

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.shown_path, self.line, self.column) if part)


def _def_line(code: CodeType) -> int:
    """The line of `def`; co_firstlineno is the first decorator's."""
    path, first = code.co_filename, code.co_firstlineno
    if not os.path.isfile(path):
        return first
    linecache.checkcache(path)
    lines = linecache.getlines(path)[first - 1 :]
    if not lines or not lines[0].lstrip().startswith("@"):
        return first
    return next((first + i for i, line in enumerate(lines) if line.lstrip().startswith(("def ", "async def "))), first)


def relative_to_cwd(path: str) -> str:
    """`path` relative to the current folder if the file is below it, else unchanged."""
    try:
        found = os.path.relpath(path) if path else ""
    except (ValueError, OSError):  # another drive, or no current folder
        return path
    return path if found.startswith(os.pardir) else found


@dataclass(frozen=True)
class Edit:
    """One change of a file: `before`, from line and column up to end_line and end_column, is replaced by `after`.

    Lines and columns count from 1, and columns are characters; end_column is the one behind the last character. `also`
    are further edits that it needs, such as one that stores a value; they are made together or not at all.
    """

    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    before: str
    after: str
    also: tuple[Edit, ...] = ()

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Edit:
        """The edit that `asdict` describes; reports of version 0.1 have no `also`."""
        return cls(**{**data, "also": tuple(map(cls.from_dict, data.get("also", ())))})

    @property
    def parts(self) -> tuple[Edit, ...]:
        """The edit itself and those that it needs, each alone, in the order of the file."""
        alone = (replace(self, also=()), *self.also)
        return tuple(sorted(alone, key=lambda edit: (edit.line, edit.column)))

    def apply(self, text: str) -> str:
        """The file's text with the edit made, and those that it needs."""
        for part in reversed(self.parts):
            lines = text.split("\n")
            start = sum(len(line) + 1 for line in lines[: part.line - 1]) + part.column - 1
            end = sum(len(line) + 1 for line in lines[: part.end_line - 1]) + part.end_column - 1
            text = text[:start] + part.after + text[end:]
        return text

    def __str__(self) -> str:
        before, after = (" ".join(text.split()) for text in (self.before, self.after))
        if not after and [part.after.split() for part in self.also] == [before.split()]:
            return f"move {before} to line {self.also[0].line}"
        own = f"{before} -> {after}" if before and after else f"delete {before}" if before else f"insert {after}"
        return ", and ".join([own, *(f"line {edit.line}: {edit}" for edit in self.also)])


def together(edits: Sequence[Edit]) -> Edit:
    """One edit that is made with the others, or not at all."""
    return replace(edits[0], also=(*edits[0].also, *edits[1:]))


@dataclass(frozen=True)
class Suggestion:
    """Edits that fix the code: each alone makes every law pass. The shortest comes first."""

    edits: tuple[Edit, ...]

    @property
    def is_applicable(self) -> bool:
        """Whether it is one edit."""
        return len(self.edits) == 1

    def __str__(self) -> str:
        several = len(self.edits) > 1  # the location of a violation is that of a single edit
        return ", or ".join(f"line {edit.line}: {edit}" if several else str(edit) for edit in self.edits)


@dataclass(frozen=True)
class Cause:
    """The likely cause of a violation: a stable code in kebab-case, and the text that is shown."""

    code: str
    text: str

    def __bool__(self) -> bool:
        return bool(self.code)

    @classmethod
    def either(cls, first: Cause, second: Cause) -> Cause:
        """Two causes that explain a failure equally well; the code is "first|second"."""
        code = first.code if first.code == second.code else f"{first.code}|{second.code}"
        return cls(code, f"either {first.text}, or {second.text}")


SMALLEST_INPUT = "smallest failing input"  # the label of a line of a diagnostic
NO_CAUSE = Cause("", "")


def entry(name: str, index: tuple[int, ...]) -> str:
    """An entry of an array: `W[0, 3]`."""
    return f"{name}[{', '.join(map(str, index))}]" if index else name


def counted(number: int, noun: str) -> str:
    """`1 value`, `2 values`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


class Violation(Exception):
    """A law that fails, as fields.

    `array`, and `index` if one entry is meant, name what was compared; `parameter` names the parameter whose gradient
    it is. `actual` and `expected` are short texts such as "-0.0120" or "of shape (5, 3)"; `reference` is the source of
    the expected value, such as "finite differences". `cause` is the likely cause, `cause_code` its stable name.
    `note` is a further remark, such as why the unit is compared with a definition. `input` holds the smallest input
    found that shows the failure, `script` a program that shows it by itself.
    """

    def __init__(
        self,
        law: str,
        *,
        actual: str,
        expected: str,
        location: Location | None = None,
        array: str = "",
        parameter: str = "",
        index: tuple[int, ...] | None = None,
        reference: str = "",
        cause: str = "",
        cause_code: str = "",
        note: str = "",
        suggestion: Suggestion | None = None,
        step: int | None = None,
        replay: str = "",
        verify: str = "",
        input: dict[str, Any] | None = None,
        script: str = "",
    ) -> None:
        super().__init__()
        self.law = law
        self.actual = actual
        self.expected = expected
        self.location = location or Location()
        self.array = array
        self.parameter = parameter
        self.index = index
        self.reference = reference
        self.cause = cause
        self.cause_code = cause_code
        self.note = note
        self.suggestion = suggestion
        self.step = step
        self.replay = replay
        self.verify = verify
        self.input = input
        self.script = script

    def fields(self) -> dict[str, Any]:
        """The constructor's arguments, by name."""
        return dict(vars(self))

    def with_fields(self, **changed: Any) -> Violation:
        """A copy with some fields changed."""
        return Violation(**{**self.fields(), **changed})

    def at(self, **changed: Any) -> Violation:
        """A copy with some fields of its location changed."""
        return self.with_fields(location=replace(self.location, **changed))

    @property
    def subject(self) -> str:
        """The unit and method that fail, such as `dense(units=3).backward`."""
        return self.location.subject

    @property
    def place(self) -> Location:
        """The expression that a suggested fix changes, if there is one fix; else the location."""
        if self.suggestion is None or len(self.suggestion.edits) != 1:
            return self.location
        edit = self.suggestion.edits[0]
        return replace(self.location, path=edit.path, line=edit.line, column=edit.column)

    @property
    def headline(self) -> str:
        """`layers.py:12:40: gradient: dx of Softmax.backward is wrong`."""
        if self.index is not None:
            what = f"{self.array} of {self.subject} is wrong" if self.subject else f"{self.array} is wrong"
        else:
            subject = f"{self.subject}: " if self.subject else ""
            what = f"{subject}{self.comparison}"
        place = str(self.place)
        return ": ".join(part for part in (place, self.law, what) if part)

    @property
    def comparison(self) -> str:
        """`dx[0, 1] = -0.0120, finite differences give 0.1165`."""
        found = self.actual if not self.array else f"{self.array} is {self.actual}"
        if self.index is not None:
            found = f"{entry(self.array, self.index)} = {self.actual}"
        expected = f"{self.reference} give {self.expected}" if self.reference else f"expected {self.expected}"
        return f"{found}, {expected}"

    @property
    def details(self) -> list[tuple[str, str]]:
        """The lines below the headline, each a label or "", and a text: numbers, cause, fix, what to do next."""
        lines = [("", self.comparison)] if self.index is not None else []
        if self.cause:
            lines.append(("likely cause", self.cause))
        if self.suggestion is not None:
            lines.append(("suggested fix", str(self.suggestion)))
        if self.note:
            lines.append(("note", self.note))
        if self.step is not None:
            lines.append(("", f"after step {self.step}"))
        for name, array in (self.input or {}).items():
            lines.append((SMALLEST_INPUT, f"{name} = {array}"))
        if self.replay:
            lines.append(("repeat it", f"nn replay {self.replay}"))
        if self.verify:
            lines.append(("check this file alone", f"nn verify {self.verify}"))
        return lines

    @property
    def message(self) -> str:
        """The diagnostic without the source excerpt."""
        details = [f"{label}: {text}" if label else text for label, text in self.details]
        return "\n  ".join([self.headline, *details])

    def to_dict(self) -> dict[str, Any]:
        """The fields in the form that JSON takes; paths are relative to the current folder."""
        suggestion = self.suggestion and asdict(self.suggestion)
        for edit in suggestion["edits"] if suggestion else ():
            for part in (edit, *edit["also"]):
                part["path"] = relative_to_cwd(part["path"])
            edit["also"] = list(edit["also"])
        return {
            **{name: value for name, value in self.fields().items() if name not in ("replay", "verify")},
            "location": {**asdict(self.location), "path": self.location.shown_path},
            "subject": self.subject,
            "index": None if self.index is None else list(self.index),
            "suggestion": suggestion and {**suggestion, "edits": list(suggestion["edits"])},
            "message": self.message,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Violation:
        """The violation that `to_dict` describes."""
        known = {name: data[name] for name in ("law", "actual", "expected", "array", "parameter", "reference", "cause",
                                               "cause_code", "step", "input")}  # fmt: skip
        suggestion = data["suggestion"]
        return cls(
            **known,
            script=data.get("script", ""),  # reports of version 0.1 have no script
            note=data.get("note", ""),  # older files lack it
            location=Location(**{field.name: data["location"][field.name] for field in fields(Location)}),
            index=None if data["index"] is None else tuple(data["index"]),
            suggestion=suggestion and Suggestion(tuple(map(Edit.from_dict, suggestion["edits"]))),
        )

    def __str__(self) -> str:
        return self.message

    def __repr__(self) -> str:
        return f"<Violation {self.headline}>"

    def _repr_html_(self) -> str:
        """For a notebook: the diagnostic, its first line in bold."""
        first, *rest = escape(self.message).split("\n")
        return "\n".join([f"<pre><b>{first}</b>", *rest]) + "</pre>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.fields(),)


def _rebuild(arguments: dict[str, Any]) -> Violation:
    return Violation(**arguments)


class Inconclusive(Exception):
    """The law applies, but this case can't decide it; with the reason as text."""


class NotApplicable(Exception):
    """The law has nothing to check in this case; with the reason as text."""


class BadInput(ValueError):
    """Unusable input: one sentence with what was found and what was expected.

    It may quote user input, so it is one line of at most MAX_LENGTH printable characters.
    """

    def __init__(self, sentence: str) -> None:
        start, end = sentence[: 2 * MAX_LENGTH], sentence[2 * MAX_LENGTH :][-MAX_LENGTH // 4 :]
        escaped = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in start)
        text = escaped + "".join(c for c in end if c.isprintable())
        if len(text) > MAX_LENGTH:
            text = f"{text[: MAX_LENGTH // 2]} ... {text[-MAX_LENGTH // 4 :]}"
        super().__init__(text)


class NothingToCheck(BadInput):
    """A file or module that defines nothing that a law checks."""
