"""Judges mutants, one at a time, each in a child process with a time limit and a copy of the project of its own.

    with Sandbox(root) as place:
        place.judge(mutant, lambda: judged_by_laws([], ["layer:relu"]), 30)    "gradient", the law that spoke, or "held"
"""

from __future__ import annotations

import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from mutant import Mutant

PACKAGES = ("nn", "spec", "cli")
COPIED = (*PACKAGES, "fixtures", "tests", "benchmarks", "examples", "docs", "nnlaw_pytest.py", "pyproject.toml",
          "README.md")  # fmt: skip
MEMORY = 8 * 2**30  # bytes of address space that a mutant may ask for


class Sandbox:
    """A copy of the project in a temporary folder, in which one file at a time is a mutant."""

    def __init__(self, root: Path) -> None:
        self.root, self.home = root, os.getcwd()

    def __enter__(self) -> Sandbox:
        self.folder = Path(tempfile.mkdtemp(prefix="nn-mutants-"))
        for name in COPIED:
            source, target = self.root / name, self.folder / name
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def judge(self, mutant: Mutant | None, judging: Callable[[], str], limit: float) -> str:
        """What `judging` returns in a child in which the file is the mutant; "time" beyond `limit` seconds."""
        file = self.folder / mutant.file if mutant else None
        if file is None or mutant is None:
            return self.child(judging, limit)
        kept = file.read_text(encoding="utf-8")
        try:
            file.write_text(mutant.text, encoding="utf-8")
            return self.child(judging, limit)
        finally:
            file.write_text(kept, encoding="utf-8")

    def child(self, judging: Callable[[], str], limit: float) -> str:
        """Fork, import the project anew from the copy, judge, and report through a pipe.

        SIGPROF, by which `judging` may bound its processor time, says "time" too.
        """
        out, into = os.pipe()
        child = os.fork()
        if child == 0:
            self._report(judging, into)
        os.close(into)
        told, until = b"", time.monotonic() + limit
        while select.select([out], [], [], max(0.0, until - time.monotonic()))[0]:
            part = os.read(out, 65536)
            told += part
            if not part:
                break
        else:
            told = b"time"
        os.close(out)
        os.killpg(child, signal.SIGKILL)  # the child leads a group of its own
        ended = os.waitpid(child, 0)[1]
        if os.WIFSIGNALED(ended) and os.WTERMSIG(ended) == signal.SIGPROF:
            return "time"
        return told.decode() if told else "crash"

    def _report(self, judging: Callable[[], str], into: int) -> None:
        try:
            os.setpgid(0, 0)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, 1), os.dup2(silence, 2)
            os.chdir(self.folder)
            os.environ["PYTHONPATH"], os.environ["PYTHONDONTWRITEBYTECODE"] = str(self.folder), "1"
            sys.dont_write_bytecode = True
            sys.path.insert(0, str(self.folder))
            for name in list(sys.modules):
                if name.partition(".")[0] in (*PACKAGES, "nnlaw_pytest"):
                    del sys.modules[name]
            said = judging()
        except BaseException as error:
            said = f"raised {type(error).__name__}"
        os.write(into, b"held" if not said else said.encode()[:4000])
        os._exit(0)


def judged_by_laws(plugins: list[str], targets: list[str], first: str = "") -> str:
    """What `nn verify TARGET` says of each, until one is not right: the law that is broken, or what kept it from it.

    The files `plugins` are loaded beforehand. The law `first`, where one is named, is asked of all before any other:
    it has killed this mutant before.
    """
    import warnings

    from nnlaw.nn.plugins.loader import load_plugin_file
    from nnlaw.nn.verify.targets import named_unit
    from nnlaw.spec.conformance import conformance
    from nnlaw.spec.violation import BadInput

    warnings.simplefilter("ignore")
    for file in plugins:
        load_plugin_file(Path(file))
    for laws, target in [*(([first], target) for target in targets if first), *((None, target) for target in targets)]:
        try:
            report = conformance(named_unit(target), laws)
        except BadInput:
            return "refused"
        if report.violations:
            return report.violations[0].law
        if laws is None and report.verdict != "holds":
            return report.verdict
    return ""
