"""Import the files of a user's project, definitions only, beside all other modules of the process.

    import_file(Path("bits/swish.py"))      a FileModule; `from .base import Piece` and `import bits.base` work in it

A module's name in `sys.modules` is made from its file's path, so a file is imported once under any name, and projects
whose packages are called nn, utils or layers do not meet. An import statement in such a file looks in its own project
first (project_search.py), then among installed packages; an absent one is replaced by a Placeholder. Each statement
runs by itself: if it fails, the names that it binds become Unavailable.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import importlib.util
import io
import sys
import traceback
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from nnlaw import _names
from nnlaw.spec.discovery.needed_statements import Definitions
from nnlaw.spec.discovery.notebook import place
from nnlaw.spec.discovery.project_search import child, file_of, find_in_project
from nnlaw.spec.discovery.refused_exit import SYS, Exited, refuse
from nnlaw.spec.discovery.removed_numpy import Finding, numpy_for, removed_names
from nnlaw.spec.discovery.shared_module import SharedModule
from nnlaw.spec.discovery.source import Source, read_source
from nnlaw.spec.discovery.time_limit import OutOfTime, time_limit
from nnlaw.spec.discovery.unavailable import Placeholder, Unavailable, UnavailableError
from nnlaw.spec.violation import BadInput

TOP = "nnlaw_files"  # the package, without a file, below which all files are imported
STATEMENT_SECONDS = 5.0
SAMPLE_TEXT = "small nets learn to spell\n" * 8
"""What a text file contains that is not there: a model of characters only counts them."""
_PYTHON_2: dict[str, Any] = {"xrange": range, "unicode": str, "long": int, "basestring": str, "raw_input": input}


class FileModule(SharedModule):
    """A module made from a file of a user's project: its definitions, and on demand what other files import from it."""

    def __init__(self, name: str, path: Path) -> None:
        super().__init__(name)
        self._nnlaw = _Contents(self, path)

    def __getattr__(self, name: str) -> Any:
        contents: _Contents = self.__dict__["_nnlaw"]
        if name in contents.definitions.bound:
            contents.run({name})
        if name in self.__dict__:
            return self.__dict__[name]
        raise AttributeError(f"module {_PATHS[self.__name__].stem!r} has no attribute {name!r}")


class _Contents:
    """A file's source, which of its statements ran, and what was found while they ran."""

    def __init__(self, module: FileModule, path: Path) -> None:
        self.module, self.path = module, path
        self.source: Source | None = None  # None for a folder without __init__.py
        self.definitions = Definitions(ast.Module([], []))
        self.ran: set[ast.stmt] = set()
        self.findings: list[Finding] = []
        self.absent: dict[str, None] = {}  # third-party modules replaced by placeholders
        self.expects_errors = False  # whether the statement that runs is a `try`
        self.missing_texts: dict[str, None] = {}  # text files replaced by SAMPLE_TEXT
        self.imported: dict[str, _Contents] = {}  # files of the project that this one imports
        self.search_path: list[Path] = []  # what the file puts on sys.path
        self.numpy = numpy_for(self.report_line)

    def read(self) -> None:
        """Read the file, and report the removed names in it."""
        self.source = read_source(self.path)
        self.stamp = _stamp(self.path)
        self.definitions = Definitions(self.source.tree)
        self.optional = set(_optional_imports(self.source.tree))
        self.findings += [Finding(self.path, *row) for row in removed_names(self.source.tree)]
        for node in ast.walk(self.source.tree):
            if isinstance(node, ast.Name) and node.id in _PYTHON_2 and node.id not in self.definitions.bound:
                self.findings.append(Finding(self.path, node.lineno, node.id, _PYTHON_2[node.id].__name__))
        namespace = vars(builtins) | _PYTHON_2 | {"__import__": self.import_module, "exit": refuse, "quit": refuse}
        namespace["open"] = self.open_file
        self.module.__dict__.update(__builtins__=namespace, __doc__=ast.get_docstring(self.source.tree))

    def report_line(self, found: str, instead: str) -> None:
        """Add a finding at the line of this file that runs now."""
        line = next((f.lineno for f in reversed(traceback.extract_stack()) if f.filename == str(self.path)), 0)
        finding = Finding(self.path, line or 0, found, instead)
        if finding not in self.findings:
            self.findings.append(finding)

    def run(self, names: set[str] | None = None) -> None:
        """Run the statements that define `names`, or all definitions, as far as they have not run."""
        for statement in self.definitions.needed(names):
            if statement in self.ran:
                continue
            self.ran.add(statement)
            self._run_statement(statement)

    def _run_statement(self, statement: ast.stmt) -> None:
        assert self.source is not None
        namespace, path = self.module.__dict__, list(sys.path)
        code = compile(ast.Module([statement], []), str(self.path), "exec", self.source.flags, dont_inherit=True)
        is_import = isinstance(statement, ast.Import | ast.ImportFrom)
        self.expects_errors = isinstance(statement, ast.Try)
        try:
            with time_limit(3600 if is_import else STATEMENT_SECONDS):
                exec(code, namespace)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            value = self._unavailable(statement, error)
            rebinds = isinstance(statement, ast.Assign | ast.AnnAssign | ast.FunctionDef | ast.ClassDef)
            for name in self.definitions.effects(statement).binds:
                if rebinds or name not in namespace:
                    namespace[name] = value
            for name in self.definitions.changed_definitions(statement):  # it is not what the file makes of it
                namespace[name] = value
        if not is_import and sys.path != path:
            self.search_path += [
                folder / added for added in sys.path if added not in path for folder in (self.path.parent, Path.cwd())
            ]
            sys.path[:] = path

    def _unavailable(self, statement: ast.stmt, error: BaseException) -> Unavailable:
        """The value of names whose statement failed: its reason is `line 12: FileNotFoundError: train.csv`."""
        if isinstance(error, UnavailableError) and error.path:  # that of a value which this statement uses
            return Unavailable(error.reason, error.path)
        own = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(self.path)]
        where = place(self.path, (own and own[-1]) or statement.lineno)
        text = " ".join(str(error).split())
        if isinstance(error, ImportError) and error.name in _PATHS:
            text = text.partition(" (")[0].replace(error.name, _PATHS[error.name].stem)
        if isinstance(error, SystemExit | Exited):
            text = f"called sys.exit({error.code!r})"
        elif not isinstance(error, UnavailableError | OutOfTime | BadInput):
            text = f"{type(error).__name__}: {text}" if text else type(error).__name__
        return Unavailable(f"{where}: {text}", self.path)

    def import_module(
        self,
        name: str,
        globals: dict[str, Any] | None = None,
        locals: dict[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        """What `import name` and `from name import fromlist` give in this file; the `__import__` of its builtins."""
        fromlist = fromlist or ()
        if level:
            module = builtins.__import__(name, globals, locals, fromlist, level)
            return self._record(module, fromlist)
        top = name.partition(".")[0]
        if name == "sys":
            return SYS
        if top == "numpy":
            module = builtins.__import__(name, globals, locals, fromlist)
            return {"numpy": self.numpy, "numpy.random": self.numpy.random}.get(module.__name__, module)
        found = None if top == "nnlaw" else find_in_project(self.path, name, fromlist, self.search_path)
        if found:
            module = builtins.__import__(module_name(found[-1]), globals, locals, fromlist)
            return self._record(sys.modules[module_name(found[-1] if fromlist else found[0])], fromlist)
        own = _names.own_module(name)
        if own:
            module = importlib.import_module(own)
            return module if fromlist else sys.modules[f"nnlaw.{top}"]
        if top not in sys.modules and importlib.util.find_spec(top) is None:
            return self._absent(name, fromlist)
        return builtins.__import__(name, globals, locals, fromlist)

    def open_file(self, file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        """What `open` gives in this file: SAMPLE_TEXT for a text file that is to be read and does not exist."""
        try:
            return builtins.open(file, mode, *args, **kwargs)
        except FileNotFoundError:
            if self.expects_errors or not str(file).lower().endswith(".txt") or set(mode) - set("rt"):
                raise
            self.missing_texts[Path(file).name] = None
            return io.StringIO(SAMPLE_TEXT)

    def _record(self, module: ModuleType, fromlist: Sequence[str]) -> ModuleType:
        """Note that this file imports `module`; define there what `import *` needs here."""
        if isinstance(module, FileModule):
            self.imported[module.__name__] = module._nnlaw
            if "*" in fromlist:
                module._nnlaw.run(self.definitions.reads & module._nnlaw.definitions.bound)
        return module

    def _absent(self, name: str, fromlist: Sequence[str]) -> Any:
        """A placeholder for a module that is not installed, unless the statement expects that it may be absent."""
        top = name.partition(".")[0]
        frame = sys._getframe(2)
        is_optional = frame.f_lineno in self.optional and frame.f_code.co_filename == str(self.path)
        is_own = top != name and find_in_project(self.path, top, (), self.search_path)  # but a file of it is missing
        if is_optional or is_own:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        self.absent[top] = None
        if top == "cupy":  # the interface of NumPy
            return self.numpy
        placeholder = Placeholder(top, numpy=self.numpy) if top == "autograd" else Placeholder(top)
        if "*" in fromlist:  # what no other statement gives this file must come from there
            missing = self.definitions.reads - self.definitions.bound - set(dir(builtins)) - self.module.__dict__.keys()
            return Placeholder(top, __all__=sorted(missing))
        for part in name.split(".")[1:] if fromlist else ():
            placeholder = getattr(placeholder, part)
        return placeholder

    def all_absent(self) -> Iterator[str]:
        """The modules replaced by placeholders in this file and in those that it imports."""
        seen: dict[str, _Contents] = {}
        waiting = {self.module.__name__: self}
        while waiting:
            name, contents = waiting.popitem()
            if name not in seen:
                seen[name] = contents
                waiting.update(contents.imported)
        return iter(dict.fromkeys(name for contents in seen.values() for name in contents.absent))


def import_file(path: Path) -> FileModule:
    """The module of a file, with its definitions. It is imported anew if a file of the process's projects changed.

    Raises BadInput if the file can't be read or parsed.
    """
    path = path.resolve()
    loaded = {name: module._nnlaw for name, module in sys.modules.items() if isinstance(module, FileModule)}
    if any(contents.source and contents.stamp != _stamp(contents.path) for contents in loaded.values()):
        for name in loaded:
            del sys.modules[name]
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    module = importlib.import_module(module_name(path.parent if path.name == "__init__.py" else path))
    assert isinstance(module, FileModule)
    if module._nnlaw.source is None:
        read_source(path)  # raises what importing a package passes over
    return module


_PATHS: dict[str, Path] = {}  # by module name


def module_name(path: Path) -> str:
    """The name in sys.modules of a file or folder: its path, in which dots within a part are replaced."""
    name = TOP
    _PATHS[name] = Path(path.anchor)
    parents = [*reversed(path.parents)][1:]
    for part in [*parents, path]:
        stem = part.stem if part.suffix == ".py" else part.name
        hidden = child(part.parent, stem) not in (part, None)  # a folder beside a file of its name
        name = f"{name}.{stem.replace('.', '․')}{'/' * hidden}"
        _PATHS[name] = part
    return name


class _Finder(MetaPathFinder):
    """Finds modules whose name module_name() made, and those that relative imports in their files name."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] != TOP:
            return None
        parent, _, last = fullname.rpartition(".")
        found = _PATHS.get(fullname) or child(_PATHS[parent], last)
        if found is None:
            return None
        _PATHS[fullname] = found
        file = file_of(found)
        spec = ModuleSpec(fullname, _FileLoader(found), origin=str(file) if file else None, is_package=found.is_dir())
        spec.has_location = file is not None
        if found.is_dir():
            spec.submodule_search_locations = [str(found)]
        return spec


class _FileLoader(Loader):
    def __init__(self, path: Path) -> None:
        self.path = path

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return FileModule(spec.name, file_of(self.path) or self.path)

    def exec_module(self, module: ModuleType) -> None:
        assert isinstance(module, FileModule)
        file = file_of(self.path)
        if file is None:
            return
        try:
            module._nnlaw.read()
        except BadInput:
            if self.path.is_dir():  # the package's other files can still be imported
                return
            raise
        module._nnlaw.run()


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


def _optional_imports(tree: ast.Module) -> Iterator[int]:
    """The lines of imports in a `try` whose handler expects that the module may be absent."""
    expected = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Try):
            caught = [handler.type for handler in node.handlers]
            names = {getattr(part, "id", "") for kind in caught if kind for part in ast.walk(kind)}
            if None in caught or names & expected:
                for statement in node.body:
                    for inner in ast.walk(statement):
                        if isinstance(inner, ast.Import | ast.ImportFrom):
                            yield inner.lineno

