"""Scenario: reports are written onto devices, pipes, folders, links and source files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from nnlaw.nn.stress.commands.command import RIGHT, observation, run
from nnlaw.nn.stress.scenario import Context, Observation, Skip, scenario


@scenario(
    "outputs",
    what="write reports onto a full device, a pipe, a folder, a link, a source file, and into a folder that is absent",
    expected="what can be written is written through, anything else is refused with exit code 2; nothing hangs or is "
    "lost",
)
def outputs(context: Context) -> Observation:
    """Write the CSV of `nn verify` to each of them, and look at what is left."""
    if sys.platform == "win32":
        raise Skip("Windows has no such devices")
    folder = context.folder
    source, other = folder / "square.py", folder / "other.py"
    for path in (source, other):
        path.write_text(RIGHT, encoding="utf-8")
    (folder / "target.csv").write_text("before", encoding="utf-8")
    (folder / "link.csv").symlink_to("target.csv")
    (folder / "folder.csv").mkdir()
    os.mkfifo(folder / "pipe.csv")
    cases: dict[str, tuple[int, ...]] = {
        "/dev/full": (2,),
        "pipe.csv": (2,),
        "other.py": (2,),
        "link.csv": (0, 2),
        "/dev/null": (0,),
        "folder.csv": (2,),
        "absent/report.csv": (2,),
        "square.py": (2,),
        "report.csv": (0,),
    }
    if not context.full:
        cases = dict(list(cases.items())[:4])
    faults = {name: run(("verify", source.name, "--csv", name), folder, codes).fault for name, codes in cases.items()}
    for path in (source, other):
        if path.read_text(encoding="utf-8") != RIGHT:
            faults[path.name] = "overwritten by a report"
    if not (folder / "link.csv").is_symlink():
        faults["link.csv"] = "replaced by a file"
    if not Path(os.devnull).is_char_device():
        faults[os.devnull] = "replaced by a file"
    left = [path.name for path in folder.iterdir() if path.name.startswith(".") or path.suffix in (".tmp", ".part")]
    faults["files that are left"] = ", ".join(left)
    return observation(faults, "places for a report")
