"""Scenario: a file with a wrong gradient tries to be reported as passed, to stop the check, or to leave traces."""

from __future__ import annotations

import sys

from nnlaw.nn.stress.commands.command import WRONG, observation
from nnlaw.nn.stress.scenario import Context, Observation, Skip, scenario
from nnlaw.spec.report import UnitOutcome

TIMEOUT = 3.0  # seconds to import a file, and to check each unit in it
NAME = "written-by-the-file.txt"

AT_IMPORT = {
    "exits": "import os; os._exit(0)",
    "replaces the report": """import nnlaw.spec.report as report
report.Report.outcome = property(lambda self: report.UnitOutcome.PASSED)""",
    "replaces comparisons": """np.allclose = np.array_equal = lambda *arguments, **settings: True
np.abs = lambda *arguments: np.zeros(3)""",
    "writes replies": """import os
for number in range(3, 64):
    try: os.write(number, bytes(range(64)) * 100)
    except OSError: pass""",
    "starts a process that stays": f"""import os, time
if os.fork() == 0:
    os.setsid(); time.sleep(8); open({NAME!r}, "w").write("x"); os._exit(0)""",
    "ends its parent": "import os, signal; os.kill(os.getppid(), signal.SIGKILL)",
    "prints without end": "while True: print('1 unit passed (Square)' * 1000)",
    "ignores its own exceptions": """expected = {"gradient": "intended"}
Square.expected = expected""",
}
IN_BACKWARD = {
    "hangs": "while True: pass",
    "raises what no handler expects": "raise type('E', (BaseException,), {'__str__': lambda self: 1 / 0})",
    "eats memory": "kept = [np.ones(10**6) for _ in range(10**6)]",
    "returns an array that lies": """class Lying(np.ndarray):
            def __array_ufunc__(self, *arguments, **settings): return np.zeros(self.shape)
            __array_function__ = __array_ufunc__
        return (self.x * dy).view(Lying)""",
}


@scenario(
    "integrity",
    what="check files with a wrong gradient that try to be reported as passed, to stop the check, or to leave traces",
    expected="each is failed or an error within its time limit, the others are checked, and no process or file is left",
)
def integrity(context: Context) -> Observation:
    """Check each attack in a process of its own, as `nn verify` does."""
    if sys.platform == "win32":
        raise Skip("processes can't be limited on Windows")
    from nnlaw.nn.verify.supervisor import CheckOptions, check_target

    faults: dict[str, str] = {}
    sources = {name: f"{WRONG}\n\n{text}\n" for name, text in AT_IMPORT.items()}
    first = "        return self.x * dy"
    sources |= {name: WRONG.replace(first, f"        {text}\n{first}") for name, text in IN_BACKWARD.items()}
    for name, source in sources.items() if context.full else list(sources.items())[::2]:
        path = context.folder / f"{name.replace(' ', '_')}.py"
        path.write_text(source, encoding="utf-8")
        reports = check_target({"file": str(path)}, CheckOptions(timeout=TIMEOUT, explain=False)).reports
        outcomes = {report["outcome"] for report in reports}
        is_bad = not outcomes or outcomes - {UnitOutcome.FAILED, UnitOutcome.ERROR}
        faults[name] = f"reported as {', '.join(sorted(outcomes)) or 'nothing'}" if is_bad else ""
    left = [path.name for path in context.folder.iterdir() if path.suffix != ".py" and path.name != "__pycache__"]
    faults["files that are left"] = ", ".join(left)
    return observation(faults, "attacks")
