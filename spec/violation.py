"""The one structured diagnostic, and the two other ways in which judging can end.

    Violation      a law was broken: who, where, which number, what was expected, and why
    Inconclusive   a law applies, but this case could not decide it
    DoesNotApply   a law has nothing to say about this case
    BadInput       what was handed in is unusable: one sentence for its author, no judgment
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

LONGEST = 1000  # characters of a sentence for its author


@dataclass(frozen=True)
class Where:
    """The place of a violation: the path of a layer, its method, and the line of source."""

    path: str = ""
    method: str = ""
    file: str = ""
    line: int = 0

    @classmethod
    def of(cls, function: Any, path: str = "") -> Where:
        """The place where a function or method was written, as far as it has a source."""
        code = getattr(getattr(function, "__func__", function), "__code__", None)
        name = getattr(function, "__name__", "")
        return cls(path, name, Path(code.co_filename).name, code.co_firstlineno) if code else cls(path, name)

    def __str__(self) -> str:
        place = ".".join(part for part in (self.path, self.method) if part)
        source = f" ({self.file}:{self.line})" if self.file else ""
        return f"{place}{source}"


def entry(name: str, index: tuple[int, ...]) -> str:
    """An entry as it is told of: `W[0, 3]`."""
    return f"{name}[{', '.join(map(str, index))}]"


def counted(number: int, noun: str) -> str:
    """`1 value`, `2 values`."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


class Violation(Exception):
    """A broken law, as data first and as a sentence made from the data.

    The sentence reads: where, which array and index, actual, expected, law; then the likely cause.

        2:dense(128→64).forward  output[0, 7] is nan, expected a finite number  [finite]
          caused by W[5, 7] = nan, after step 412

    `repair` tells of the one change of the source with which the law holds, where it was sought and found. `verify` is
    the user's own file, where it was not: nn verify judges it by itself and seeks that change.
    """

    def __init__(
        self,
        law: str,
        *,
        actual: str,
        expected: str,
        where: Where | None = None,
        array: str = "",
        index: tuple[int, ...] | None = None,
        cause: str = "",
        repair: str = "",
        step: int | None = None,
        replay: str = "",
        verify: str = "",
        input: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.law = law
        self.actual = actual
        self.expected = expected
        self.where = where or Where()
        self.array = array
        self.index = index
        self.cause = cause
        self.repair = repair
        self.step = step
        self.replay = replay
        self.verify = verify
        self.input = input

    def fields(self) -> dict[str, Any]:
        """The constructor's arguments, by name."""
        return dict(vars(self))

    def also(self, **changed: Any) -> Violation:
        """The same violation with some fields filled in by someone who knows more."""
        return Violation(**{**self.fields(), **changed})

    def at(self, **place: Any) -> Violation:
        """The same violation with some fields of its place filled in."""
        return self.also(where=replace(self.where, **place))

    @property
    def message(self) -> str:
        """The diagnostic as a person reads it."""
        subject = self.array if self.index is None else entry(self.array, self.index)
        head = f"{self.where}  ".lstrip() + f"{subject} is ".lstrip()
        first = f"{head}{self.actual}, expected {self.expected}  [{self.law}]"
        notes = [f"caused by {self.cause}"] if self.cause else []
        if self.step is not None:
            notes.append(f"after step {self.step}")
        second = ", ".join(notes)
        if self.replay:
            second += f"{'; ' if second else ''}replay: nn replay {self.replay}"
        if self.verify:
            second += f"{'; ' if second else ''}by itself: nn verify {self.verify}"
        return "\n  ".join(part for part in (first, second, self.repair and f"mended by {self.repair}") if part)

    def to_dict(self) -> dict[str, Any]:
        """The fields in the form that JSON takes."""
        return {
            "law": self.law,
            "where": {
                "path": self.where.path,
                "method": self.where.method,
                "file": self.where.file,
                "line": self.where.line,
            },
            "array": self.array,
            "index": None if self.index is None else list(self.index),
            "actual": self.actual,
            "expected": self.expected,
            "cause": self.cause,
            "repair": self.repair,
            "step": self.step,
            "input": self.input,
            "message": self.message,
        }

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.fields(),)


def _rebuild(fields: dict[str, Any]) -> Violation:
    return Violation(**fields)


class Inconclusive(Exception):
    """The law applies, but this case could not decide it; the text says why."""


class DoesNotApply(Exception):
    """The law has nothing to say about this case; the text says why."""


class BadInput(ValueError):
    """Unusable input: one sentence that names what was found and what was expected.

    It quotes what others wrote, so it is kept to one line of at most `LONGEST` characters that can be printed.
    """

    def __init__(self, sentence: str) -> None:
        plain = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in sentence[: 2 * LONGEST])
        tail = sentence[2 * LONGEST :][-LONGEST // 4 :]
        whole = plain + "".join(c for c in tail if c.isprintable())
        super().__init__(whole if len(whole) <= LONGEST else f"{whole[: LONGEST // 2]} ... {whole[-LONGEST // 4 :]}")
