"""Scenario: check plugin files that are damaged, or that loop, exit, raise, print or use all memory, as nn verify does.

    mutant(source, rng)     a valid plugin's source with one to three changes, some of them malicious
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

import numpy as np

from nnlaw.nn.stress.fuzzing.mutators_bytes import GENERIC
from nnlaw.nn.stress.scenario import Context, Observation, Skip, scenario
from nnlaw.spec.arrays import Array
from nnlaw.spec.locations import fixtures
from nnlaw.spec.report import UnitOutcome

QUICK, FULL = 12, 500
TRIES = 4  # changes tried until the source compiles; the laws are checked only then
TIMEOUT = 8.0  # seconds to import a file, and to check each unit in it
OUTCOMES = tuple(UnitOutcome)
STATEMENTS = (
    *("while True: pass", "import time; time.sleep(1000)", "import sys; sys.exit(3)", "raise SystemExit", "exit()"),
    *("import os; os._exit(0)", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "import os; os.abort()"),
    *("raise ValueError('no')", "raise KeyboardInterrupt", "raise GeneratorExit", "raise MemoryError", "1 / 0"),
    *("raise BaseException('x')", "raise type('E', (Exception,), {'__str__': lambda s: 1 / 0})", "assert False"),
    *("print('x' * 10**6)", "import sys; sys.stdout.close()", "import sys; sys.stderr.write('\\x1b[2J')", "input()"),
    *("bytearray(10**12)", "[0] * 10**10", "import sys; sys.setrecursionlimit(10**6); (f := lambda: f())()"),
    *("(f := lambda: f())()", "return None", "return 'x'", "return 0", "return float('nan')", "return []", "yield 1"),
    *("import sys; sys.modules.clear()", "import builtins; del builtins.len", "import numpy; numpy.sum = None"),
    *("import threading; threading.Thread(target=lambda: [0 for _ in iter(int, 1)]).start()", "import missing_module"),
    *("import signal; signal.signal(signal.SIGABRT, signal.SIG_IGN); [0 for _ in iter(int, 1)]"),
    *("self.__dict__.clear()", "self.__class__ = object", "self.params = None", "self.grads = {'x': 1}"),
    *("self.state = 3", "import ctypes; ctypes.string_at(0)", "import gc; gc.disable()", "import os; os.close(1)"),
    *("import os; os.fork()", "import os; os.closerange(3, 99)"),
)
REPLACEMENTS = (
    *(("+", "-"), ("*", "/"), ("self.", "self.x_"), ("return ", "return -"), ("np.", "math."), ("def ", "async def ")),
    *(("(", "["), (":", ""), ("@", "#"), ('"', "'"), ("forward", "forwards"), ("axis=", "axes="), ("x", "y")),
)


@scenario(
    "plugin-files",
    what=f"check {QUICK} damaged or malicious plugin files ({FULL} with --full), each in its worker",
    expected="each has an outcome, or an error in one sentence, within the time limit, and no file is lost",
)
def plugin_files(context: Context) -> Observation:
    """Check mutants of valid plugins, and the result of each check."""
    if sys.platform == "win32":
        raise Skip("processes can't be limited on Windows")
    return check_mutants(context, FULL if context.full else QUICK)


def check_mutants(context: Context, count: int, timeout: float = TIMEOUT) -> Observation:
    """The scenario for a number of mutants."""
    from nnlaw.nn.verify.supervisor import CheckOptions, check_target

    sources = _sources()
    outcomes: Counter[str] = Counter()
    faults: list[dict[str, Any]] = []
    arrays: dict[str, Array] = {}
    place = context.folder / "plugins"
    place.mkdir()
    for index in range(count):
        rng = np.random.default_rng([context.seed, index])
        content = mutant(sources[rng.integers(len(sources))], rng)
        path = place / f"mutant_{index}.py"
        path.write_bytes(content)
        try:
            result = check_target({"file": str(path)}, CheckOptions(timeout=timeout))
            fault = _fault(result.reports)
            outcomes.update(str(report["outcome"]) for report in result.reports)
        except Exception as error:  # a bug in nn
            fault = f"{type(error).__name__}: {error}"
        left = [found.name for found in place.iterdir() if found not in (path, place / "__pycache__")]
        if not fault and (left or path.read_bytes() != content):
            fault = f"{left[0]} was left behind" if left else "the plugin's file was changed"
        if fault:
            faults.append({"index": index, "text": fault})
            arrays[f"plugin-{index}"] = np.frombuffer(content, np.uint8)
        path.unlink(missing_ok=True)
    metrics = {"seed": context.seed, "mutations": count, **outcomes, "faults": faults}
    shown = f"{count} plugin files: {', '.join(f'{number} {outcome}' for outcome, number in sorted(outcomes.items()))}"
    more = f"; first fault: file {faults[0]['index']}: {faults[0]['text'][:300]}" if faults else ""
    return Observation(shown + more, not faults, metrics, arrays)


def mutant(source: str, rng: np.random.Generator) -> bytes:
    """One to three changes: a statement inserted, a word or a line changed, or the bytes damaged."""
    content = source
    for _ in range(int(rng.integers(1, 4))):
        way = rng.random()
        if way < 0.15:
            return GENERIC[rng.integers(len(GENERIC))](content.encode(), source.encode(), rng)
        change = _insert_statement if way < 0.5 else _replace_word if way < 0.75 else _change_line
        for _ in range(TRIES):
            changed = change(content, rng)
            if _compiles(changed):
                break
        content = changed
    return content.encode(errors="replace")


def _compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def _insert_statement(source: str, rng: np.random.Generator) -> str:
    """Insert a statement at the beginning of a function, or of the module."""
    lines, statement = source.splitlines(), STATEMENTS[rng.integers(len(STATEMENTS))]
    heads = [i for i, line in enumerate(lines) if line.lstrip().startswith("def ") and line.endswith(":")]
    if not heads or rng.random() < 0.15:
        return f"{statement}\n{source}"
    at = heads[rng.integers(len(heads))]
    indent = " " * (len(lines[at]) - len(lines[at].lstrip()) + 4)
    return "\n".join([*lines[: at + 1], indent + statement, *lines[at + 1 :]]) + "\n"


def _replace_word(source: str, rng: np.random.Generator) -> str:
    """Replace one word."""
    old, new = REPLACEMENTS[rng.integers(len(REPLACEMENTS))]
    parts = source.split(old)
    at = int(rng.integers(max(1, len(parts) - 1)))
    return old.join(parts[: at + 1]) + (new + old.join(parts[at + 1 :]) if len(parts) > 1 else "")


def _change_line(source: str, rng: np.random.Generator) -> str:
    """Remove, repeat, move or indent one line."""
    lines = source.splitlines()
    at, way = int(rng.integers(len(lines))), int(rng.integers(4))
    line = lines.pop(at)
    if way:
        kept = [[line, line], [" " + line], [line]][way - 1]
        to = at if way < 3 else int(rng.integers(len(lines) + 1))
        lines[to:to] = kept
    return "\n".join(lines) + "\n"


def _sources() -> list[str]:
    """The frozen corpus of correct plugins."""
    return [path.read_text(encoding="utf-8") for path in sorted((fixtures() / "correct").glob("*.py"))]


def _fault(reports: list[dict[str, Any]]) -> str:
    """The fault in the reports on a file: no report, an unknown outcome, or an internal error; empty if correct."""
    if not reports:
        return "no report"
    for report in reports:
        if report["outcome"] not in OUTCOMES:
            return f"outcome {report['outcome']!r}"
        if report["internal"]:
            return str(report["reason"])
    return ""
