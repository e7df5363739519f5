"""Check one mutant at a time in a child process with a time limit, on a copy of the project.

with Sandbox(root) as place:
    place.check(mutant, lambda: failed_law([], ["layer:relu"]), 30)    "gradient", the law that failed, or "survived"
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

PACKAGES = ("nn", "spec", "cli", "nnlaw")
COPIED = (
    "nn",
    "spec",
    "cli",
    "src",
    "fixtures",
    "tests",
    "benchmarks",
    "examples",
    "docs",
    "pyproject.toml",
    "README.md",
)
SURVIVED = "survived"
MEMORY = 8 * 2**30  # bytes of address space that a mutant may use


class Sandbox:
    """A copy of the project in a temporary folder, in which one file at a time is replaced by a mutant."""

    def __init__(self, root: Path) -> None:
        self.root, self.home = root, os.getcwd()

    def __enter__(self) -> Sandbox:
        self.folder = Path(tempfile.mkdtemp(prefix="nn-mutants-"))
        for name in COPIED:
            source, target = self.root / name, self.folder / name
            if source.is_dir():
                shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def check(self, mutant: Mutant | None, run: Callable[[], str], limit: float) -> str:
        """Return what `run` returns in a child process that imports the mutant; "time" after `limit` seconds."""
        file = self.folder / mutant.file if mutant else None
        if file is None or mutant is None:
            return self.child(run, limit)
        kept = file.read_text(encoding="utf-8")
        try:
            file.write_text(mutant.text, encoding="utf-8")
            return self.child(run, limit)
        finally:
            file.write_text(kept, encoding="utf-8")

    def child(self, run: Callable[[], str], limit: float) -> str:
        """Fork, import the project from the copy, run, and return the result through a pipe.

        SIGPROF, with which `run` may limit its processor time, gives "time" too.
        """
        out, into = os.pipe()
        child = os.fork()
        if child == 0:
            self._report(run, into)
        os.close(into)
        output, until = b"", time.monotonic() + limit
        while select.select([out], [], [], max(0.0, until - time.monotonic()))[0]:
            part = os.read(out, 65536)
            output += part
            if not part:
                break
        else:
            output = b"time"
        os.close(out)
        os.killpg(child, signal.SIGKILL)  # the child leads a group of its own
        ended = os.waitpid(child, 0)[1]
        if os.WIFSIGNALED(ended) and os.WTERMSIG(ended) == signal.SIGPROF:
            return "time"
        return output.decode() if output else "crash"

    def _report(self, run: Callable[[], str], into: int) -> None:
        try:
            os.setpgid(0, 0)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, 1), os.dup2(silence, 2)
            os.chdir(self.folder)
            source = str(self.folder / "src")
            os.environ["PYTHONPATH"], os.environ["PYTHONDONTWRITEBYTECODE"] = source, "1"
            sys.dont_write_bytecode = True
            sys.path.insert(0, source)
            for name in list(sys.modules):
                if name.partition(".")[0] in PACKAGES:
                    del sys.modules[name]
            result = run()
        except BaseException as error:
            result = f"raised {type(error).__name__}"
        os.write(into, result.encode()[:4000] or SURVIVED.encode())
        os._exit(0)


def failed_law(plugins: list[str], targets: list[str], first: str = "") -> str:
    """Check each target as `nn verify TARGET` does; return the first law that fails, another outcome, or "".

    The files `plugins` are loaded beforehand. If `first` is given, that law is checked on all targets first, because it
    killed this mutant before.
    """
    import warnings

    from nnlaw.nn.plugins.loader import load_plugin_file
    from nnlaw.nn.verify.targets import named_unit
    from nnlaw.spec.conformance import conformance
    from nnlaw.spec.report import UnitOutcome
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
        if laws is None and report.outcome is not UnitOutcome.PASSED:
            return report.outcome.value
    return ""
