"""Drill: plugin files that are damaged, or that loop, leave, raise, print or want all memory, judged like anyone's.

    mutant(source, rng)     a valid plugin's source with one to three changes, some of them malicious
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

import numpy as np

from nnlaw.nn.stress.fuzzing.byte_mutators import BLIND
from nnlaw.nn.stress.scenario import Context, Observation, Skip, scenario
from nnlaw.spec.arrays import Array
from nnlaw.spec.locations import fixtures

QUICK, FULL = 12, 500
TRIES = 4  # to change a source so that it still compiles, since nothing else would be judged
BOUND = 8.0  # seconds that one step of judging a plugin may take; hangs are cut off there
VERDICTS = ("passed", "failed", "inconclusive", "error")
ACTS = (
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
WORDS = (
    *(("+", "-"), ("*", "/"), ("self.", "self.x_"), ("return ", "return -"), ("np.", "math."), ("def ", "async def ")),
    *(("(", "["), (":", ""), ("@", "#"), ('"', "'"), ("forward", "forwards"), ("axis=", "axes="), ("x", "y")),
)


@scenario(
    "plugin-files",
    what=f"{QUICK} damaged or malicious plugin files ({FULL} in full), each judged in its worker",
    expected="a judged outcome or an error in one sentence, in bounded time, and no file is lost",
)
def plugin_files(context: Context) -> Observation:
    """Judge mutants of valid plugins, and see how each judging ended."""
    if sys.platform == "win32":
        raise Skip("processes can't be bounded on Windows")
    return checked(context, FULL if context.full else QUICK)


def checked(context: Context, count: int, bound: float = BOUND) -> Observation:
    """The drill for a number of mutants."""
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
            outcome = check_target({"file": str(path)}, CheckOptions(timeout=bound))
            fault = _fault(outcome.reports, path.name)
            outcomes.update(str(report["outcome"]) for report in outcome.reports)
        except Exception as error:  # that of ours, which the drill is looking for
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
    """One to three changes: an act put into a function or the module, a word or a line changed, or blind damage."""
    content = source
    for _ in range(int(rng.integers(1, 4))):
        way = rng.random()
        if way < 0.15:
            return BLIND[rng.integers(len(BLIND))](content.encode(), source.encode(), rng)
        change = _act if way < 0.5 else _word if way < 0.75 else _line
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


def _act(source: str, rng: np.random.Generator) -> str:
    """A statement at the beginning of a function, or of the module."""
    lines, act = source.splitlines(), ACTS[rng.integers(len(ACTS))]
    heads = [i for i, line in enumerate(lines) if line.lstrip().startswith("def ") and line.endswith(":")]
    if not heads or rng.random() < 0.15:
        return f"{act}\n{source}"
    at = heads[rng.integers(len(heads))]
    indent = " " * (len(lines[at]) - len(lines[at].lstrip()) + 4)
    return "\n".join([*lines[: at + 1], indent + act, *lines[at + 1 :]]) + "\n"


def _word(source: str, rng: np.random.Generator) -> str:
    """One word is another."""
    old, new = WORDS[rng.integers(len(WORDS))]
    parts = source.split(old)
    at = int(rng.integers(max(1, len(parts) - 1)))
    return old.join(parts[: at + 1]) + (new + old.join(parts[at + 1 :]) if len(parts) > 1 else "")


def _line(source: str, rng: np.random.Generator) -> str:
    """One line is gone, stands there twice, elsewhere, or further to the right."""
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


def _fault(reports: list[dict[str, Any]], name: str) -> str:
    """What is wrong with the reports on a file, or nothing: none, no known outcome, or a traceback of ours."""
    if not reports:
        return "no report"
    for report in reports:
        reason = str(report.get("reason", ""))
        if report["outcome"] not in VERDICTS:
            return f"outcome {report['outcome']!r}"
        theirs = ": raised " not in reason or name in reason.partition(": ")[0]
        if "internal error" in reason or not theirs:
            return reason
    return ""
