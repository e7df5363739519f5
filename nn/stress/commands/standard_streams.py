"""Scenario: standard streams that are closed or full, and names that are not UTF-8."""

from __future__ import annotations

import os
import sys

from nnlaw.nn.stress.commands.command import RIGHT, WRONG, observation, run
from nnlaw.nn.stress.scenario import Context, Observation, Skip, scenario

SHELL = {
    "closed output": '"$@" >&-',
    "closed error output": '"$@" 2>&-',
    "closed input": '"$@" <&-',
    "all closed": '"$@" <&- >&- 2>&-',
    "full output": '"$@" >/dev/full',
    "output that is not read": '"$@" | true; code=${PIPESTATUS[0]}; [ $code = 141 ] && exit 2; exit $code',  # SIGPIPE
    "no encoding": 'LC_ALL=C PYTHONIOENCODING=ascii "$@"',
}


@scenario(
    "streams",
    what="run commands with closed, full and unread standard streams, and on a name that is not UTF-8",
    expected="the exit code of the result, or 2 if it can't be written; no traceback",
)
def streams(context: Context) -> Observation:
    """Check a right and a wrong file, and list the laws, with each of them."""
    if sys.platform == "win32" or not os.access("/bin/bash", os.X_OK):
        raise Skip("it needs the shell of Linux or macOS")
    folder = context.folder
    (folder / "right.py").write_text(RIGHT, encoding="utf-8")
    (folder / "wrong.py").write_text(WRONG, encoding="utf-8")
    commands = {"right.py": ("verify", "right.py"), "wrong.py": ("verify", "wrong.py"), "laws": ("laws",)}
    codes = {"right.py": (0, 2), "wrong.py": (1, 2), "laws": (0, 2)}
    faults: dict[str, str] = {}
    for i, (name, script) in enumerate(SHELL.items() if context.full else list(SHELL.items())[::3]):
        wrapper = ("/bin/bash", "-c", script, "bash")
        for what in commands if context.full else [list(commands)[i]]:
            faults[f"{name}, {what}"] = run(commands[what], folder, codes[what], wrapper=wrapper).fault
    latin = os.fsencode(folder) + b"/caf\xe9.py"
    try:
        with open(latin, "wb") as file:
            file.write(WRONG.encode())
        faults["a name in Latin-1"] = run(("verify", "."), folder, (1,)).fault
    except OSError:  # a file system of UTF-8 names alone
        pass
    return observation(faults, "commands")
