"""The package nnlaw: its public names, its version, its types, and the names `nn` and `spec` in user files."""

import ast
import importlib
import importlib.util
import inspect
import os
import re
import shutil
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

import nnlaw
import nnlaw.nn
import nnlaw.spec
from nnlaw import _names
from nnlaw.spec.locations import CHECKOUT, IMPORT_ROOT

PUBLIC = [
    "BadInput", "BatchesCase", "CATALOG", "CheckFailed", "CheckLog", "DataCase", "Inconclusive", "InitializerCase",
    "Law", "LawResult", "Layer", "LayerCase", "Location", "LossCase", "MetricCase", "ModelCase", "NotApplicable",
    "OptimizerCase", "ProgressCase", "Report", "ScheduleCase", "Unit", "UtilityCase", "Violation",
    "__version__", "batches",
    "check", "check_backward", "check_gradient", "check_layer", "check_loss", "check_model", "check_object",
    "check_weights", "conformance", "initializer", "law", "layer", "loss", "metric", "model", "obeys", "optimizer",
    "parametrize_with_laws", "rows_sum_to_one", "schedule", "strict", "train",
]  # fmt: skip
"""The names that users import from nnlaw. To remove one is a breaking change."""

PLUGIN = '''
from nnlaw import layer, obeys
{imports}

@layer("twice")
@obeys("N ... -> N ...")
class Twice:
    def forward(self, x):
        return 2 * x
    def backward(self, dy):
        return 2 * dy
'''


def python(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run Python with the package on its path."""
    env = os.environ | {"PYTHONPATH": str(IMPORT_ROOT)}
    return subprocess.run([sys.executable, *args], capture_output=True, text=True, cwd=cwd, env=env)


def test_the_public_names() -> None:
    """The list is complete, and each name can be imported."""
    assert sorted(nnlaw.__all__) == sorted(PUBLIC)
    assert all(hasattr(nnlaw, name) and name in dir(nnlaw) for name in PUBLIC)
    others = ["__version__", "parametrize_with_laws", "train"]
    assert sorted([*nnlaw.spec.__all__, *nnlaw.nn.__all__, *others]) == sorted(PUBLIC)
    with pytest.raises(AttributeError, match="module 'nnlaw' has no attribute 'Docket'"):
        nnlaw.Docket  # noqa: B018  # the old name is only in spec


def test_static_and_runtime_names_agree() -> None:
    """A type checker sees the same names, from the same modules, as a program."""
    tree = ast.parse(inspect.getsource(nnlaw))
    (block,) = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    static = {alias.name: node.module for node in imports for alias in node.names}
    assert {*static, "__version__"} == set(PUBLIC)
    for name, module in static.items():
        assert module is not None and getattr(importlib.import_module(module), name) is getattr(nnlaw, name)


def test_every_public_name_is_documented() -> None:
    """Classes and functions have docstrings."""
    objects = {name: getattr(nnlaw, name) for name in PUBLIC}
    documented = {name: inspect.getdoc(thing) for name, thing in objects.items() if callable(thing)}
    assert len(documented) == len(PUBLIC) - 2 and all(documented.values())  # all but CATALOG and __version__


def test_names_of_version_0_1() -> None:
    """Files written for version 0.1 import these from spec."""
    from nnlaw import spec

    old = {"CATALOGUE": "CATALOG", "Docket": "CheckLog", "DoesNotApply": "NotApplicable", "Record": "Unit",
           "Verdict": "LawResult", "Where": "Location"}  # fmt: skip
    assert all(getattr(spec, name) is getattr(nnlaw, new) for name, new in old.items())
    with pytest.raises(AttributeError, match=r"'nnlaw\.spec' has no attribute 'Case'"):
        spec.Case  # noqa: B018


@pytest.mark.slow
def test_import_is_fast() -> None:
    """`import nnlaw` imports neither numpy nor any of its own packages."""
    code = "import sys, nnlaw; print([name for name in sys.modules if name.startswith(('numpy', 'nnlaw.'))])"
    assert python("-c", code, cwd=IMPORT_ROOT).stdout.strip() == "[]"


@pytest.mark.slow
def test_the_version_of_the_command() -> None:
    """`python -m nnlaw --version` prints nnlaw.__version__."""
    assert re.fullmatch(r"\d+\.\d+\.\d+", nnlaw.__version__)
    assert python("-m", "nnlaw", "--version", cwd=IMPORT_ROOT).stdout.split()[-1] == nnlaw.__version__


@pytest.mark.slow
def test_user_code_type_checks(tmp_path: Path) -> None:
    """mypy --strict accepts a user's file, with the types of the imported names."""
    pytest.importorskip("mypy", reason="mypy is not installed")
    assert (IMPORT_ROOT / "nnlaw" / "py.typed").is_file()
    (tmp_path / "mine.py").write_text(
        "import numpy as np\n"
        "from nnlaw import Report, conformance, layer, obeys\n\n"
        "@layer('twice')\n"
        "@obeys('N ... -> N ...')\n"
        "class Twice:\n"
        "    def forward(self, x: np.ndarray) -> np.ndarray:\n"
        "        return 2 * x\n\n"
        "    def backward(self, dy: np.ndarray) -> np.ndarray:\n"
        "        return 2 * dy\n\n"
        "report: Report = conformance(Twice)\n"
        "reveal_type(Twice())\n"
        "number: int = conformance(Twice)\n"
    )
    cache = ["--cache-dir", str(tmp_path / "cache")]
    out = python("-m", "mypy", "--strict", *cache, "mine.py", cwd=tmp_path).stdout
    assert 'note: Revealed type is "mine.Twice"' in out
    errors = [line for line in out.splitlines() if "error:" in line]
    assert len(errors) == 1 and 'has type "Report", variable has type "int"' in errors[0], out


@pytest.fixture
def no_aliases(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No module is imported as `nn` or `spec`, before the test and after it."""
    kept = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in _names.ALIASES}
    for name in kept:
        del sys.modules[name]
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] in _names.ALIASES]:
        del sys.modules[name]
    sys.modules.update(kept)


def test_aliases_are_the_same_modules(no_aliases: None) -> None:
    """`nn` and `nnlaw.nn` are one module object, with the __spec__ of the real name, at any depth."""
    for name in ("nn", "nn.layers", "nn.layers.dense", "spec", "spec.laws.layer.gradient"):
        real = importlib.import_module(f"nnlaw.{name}")
        before = real.__spec__
        assert importlib.import_module(name) is real
        assert real.__spec__ is before and before is not None and before.name == real.__name__ == f"nnlaw.{name}"


def test_no_second_copy(no_aliases: None) -> None:
    """Every module imported under an alias is also there under its own name."""
    importlib.import_module("nn.builtin")
    importlib.import_module("spec.conformance")
    aliases = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in _names.ALIASES}
    assert len(aliases) >= 4
    assert all(sys.modules[f"nnlaw.{name}"] is module for name, module in aliases.items())


def test_an_import_by_alias_keeps_public_names(no_aliases: None) -> None:
    """`import spec.law` does not replace the function `law` of the package by the module of that name."""
    for name in ("law", "conformance"):
        importlib.import_module(f"spec.{name}")
        assert callable(getattr(importlib.import_module("nnlaw.spec"), name))


def test_an_unknown_module_is_reported_by_its_alias(no_aliases: None) -> None:
    """`import nn.nothing` fails like any other import."""
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'nn\.nothing'"):
        importlib.import_module("nn.nothing")


def test_install_adds_one_finder() -> None:
    """A second call changes nothing."""
    before = list(sys.meta_path)
    _names.install()
    _names.install()
    assert sys.meta_path == before and any(isinstance(finder, _names._Finder) for finder in before)


@pytest.mark.parametrize("file", ["nn/__init__.py", "nn.py"])
def test_a_user_module_wins(no_aliases: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    """A package or a module of the user is imported instead, with its submodules."""
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("OWN = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert importlib.import_module("nn").OWN == 1
    with pytest.raises(ModuleNotFoundError):  # a submodule of theirs, not of ours
        importlib.import_module("nn.layers")


def test_a_folder_without_init_does_not_win(
    no_aliases: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder spec/ of other files is not a package."""
    (tmp_path / "spec").mkdir()
    (tmp_path / "spec" / "notes.txt").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert importlib.import_module("spec") is importlib.import_module("nnlaw.spec")


def test_a_module_that_is_already_imported_wins(no_aliases: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if it is not on sys.path."""
    monkeypatch.setitem(sys.modules, "nn", types.ModuleType("nn"))
    assert importlib.util.find_spec("nnlaw.nn") is not None
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("nn.layers")


def test_rooms_refuse_another_name() -> None:
    """Under a second name everything would be registered twice, so nn and spec refuse it."""
    for name in _names.ALIASES:
        origin = (importlib.util.find_spec(f"nnlaw.{name}") or ModuleSpec("", None)).origin
        assert origin is not None
        spec = importlib.util.spec_from_file_location(name, origin)
        assert spec is not None and spec.loader is not None
        with pytest.raises(ImportError, match=f"import nnlaw.{name}, not {name}"):
            spec.loader.exec_module(importlib.util.module_from_spec(spec))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A user's project with packages of its own named cli, nn and spec, and a layer that uses them."""
    for name in ("cli", "nn", "spec"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"NAME = 'their {name}'\n")
        (tmp_path / name / "main.py").write_text("")
    names = "(cli.NAME, nn.NAME, spec.NAME) == ('their cli', 'their nn', 'their spec')"
    imports = f"import cli, nn.main, spec\nassert {names}"
    (tmp_path / "mine.py").write_text(PLUGIN.format(imports=imports))
    test = "import cli, nn.main, spec, mine\n\ndef test_names():\n    assert nn.NAME == 'their nn'\n"
    (tmp_path / "test_mine.py").write_text(test)
    return tmp_path


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.slow
def test_a_checkout_without_symbolic_links(tmp_path: Path) -> None:
    """Where links are text files, as on Windows, the command works from the checkout, processes of its own included."""
    if not (CHECKOUT / "src" / "nnlaw").is_dir():
        pytest.skip("not a checkout")
    for name in ("spec", "nn", "cli"):
        shutil.copytree(CHECKOUT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "fixtures"))
    shutil.copytree(CHECKOUT / "src", tmp_path / "src", symlinks=True)
    for name in ("spec", "nn", "cli"):
        (tmp_path / "src" / "nnlaw" / name).unlink()
        (tmp_path / "src" / "nnlaw" / name).write_text(f"../../{name}")
    shutil.copy(CHECKOUT / "neural_net.py", tmp_path)
    result = subprocess.run(
        [sys.executable, "neural_net.py", "verify", "relu"], capture_output=True, text=True, cwd=tmp_path
    )
    assert result.returncode == 0 and "passed" in result.stdout, result.stdout + result.stderr


@pytest.mark.slow
def test_nn_verify_beside_such_packages(project: Path) -> None:
    """The file is checked, in the project folder and from another one."""
    for cwd, name in ((project, "mine.py"), (project.parent, str(project / "mine.py"))):
        result = python("-m", "nnlaw", "verify", name, cwd=cwd)
        assert result.returncode == 0 and "passed" in result.stdout, result.stdout + result.stderr


@pytest.mark.slow
def test_nn_verify_of_a_file_of_version_0_1(tmp_path: Path) -> None:
    """Without packages of these names, `from nn import layer` and `from spec import obeys` still work."""
    old = PLUGIN.format(imports="").replace(
        "from nnlaw import layer, obeys", "from nn import layer\nfrom spec import obeys\nfrom spec import Docket"
    )
    (tmp_path / "mine.py").write_text(old)
    (tmp_path / "spec").mkdir()  # a folder of other files
    result = python("-m", "nnlaw", "verify", "mine.py", cwd=tmp_path)
    assert result.returncode == 0 and "passed" in result.stdout, result.stdout + result.stderr


@pytest.mark.slow
def test_pytest_beside_such_packages(project: Path) -> None:
    """The user's own tests pass, with --nn-plugin and without."""
    installed = "import sys, importlib.metadata as m; sys.exit(not [e for e in m.entry_points(group='pytest11') " \
        "if e.value == 'nnlaw._pytest'])"
    extra = [] if python("-c", installed, cwd=project).returncode == 0 else ["-p", "nnlaw._pytest"]
    base = ["-m", "pytest", *extra, "-q", "-p", "no:cacheprovider", "--rootdir", str(project)]
    assert "1 passed" in python(*base, cwd=project).stdout
    result = python(*base, "--nn-plugin", "mine.py", cwd=project)
    assert result.returncode == 0 and " passed" in result.stdout, result.stdout + result.stderr


@pytest.mark.slow
def test_nn_train_beside_such_packages(project: Path, tiny_folder: Path) -> None:
    """A layer that uses them trains, and the run is resumed from its copies of the files."""
    flags = ["--plugin", "mine.py", "--layers", "dense:8 twice dense:10", "--epochs", "1", "--run", "r", "--strict"]
    result = python("-m", "nnlaw", "train", str(tiny_folder), *flags, cwd=project)
    assert result.returncode == 0 and "Test set accuracy: " in result.stdout, result.stdout + result.stderr
    result = python("-m", "nnlaw", "train", "--resume", "r", "--trust", "--epochs", "2", cwd=project)
    assert result.returncode == 0 and "Epoch 2/2" in result.stdout, result.stdout + result.stderr
