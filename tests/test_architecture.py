"""The order of the rooms: no import runs upward, not even inside a function, and no modules import each other."""

import ast
import graphlib
import importlib.metadata
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from nnlaw.spec.locations import IMPORT_ROOT, PACKAGE

ROOMS = (
    # spec: the laws
    ("spec", "violation", "short_tracebacks", "law", "declared_exceptions", "report", "arrays", "locations", "syntax"),
    ("spec.contracts",),
    ("spec.subjects",),
    ("spec.reference",),
    ("spec.discovery",),
    ("spec.gradcheck",),
    ("spec.laws",),
    ("spec.guards",),
    ("spec.fixes",),
    ("spec", "check", "conformance", "strategies", "pytest_plugin", "law_docs", "law_references", "__init__"),
    # nn: the network
    ("nn.core",),
    ("nn.plugins",),
    ("nn", "__init__"),
    ("nn.layers",),
    ("nn", "losses", "optimizers", "initializers", "schedules", "metrics", "batch_samplers", "network", "builtin"),
    ("nn.data",),
    ("nn.images",),
    ("nn.run_folder",),
    ("nn.training",),
    ("nn.runs",),
    ("nn.verify",),
    ("nn.grade",),
    ("nn.trace",),
    ("nn.bench",),
    ("nn.stress",),
    # cli: the command
    ("cli.output",),
    ("cli",),
)
"""From the bottom up. A row is a folder, with the names of its modules if the folder has several rows."""

OWN = ("", "__version__", "_child", "_names")
"""Names of the package itself, which are below every room: the version, the start of a process, `nn` and `spec`."""


@cache
def room(module: str) -> int:
    """The row of ROOMS of a module such as "spec.law", the lowest first."""
    folder, _, name = module.rpartition(".")
    rows = [i for i, (place, *names) in enumerate(ROOMS) if place == folder and name in names]
    within = [i for i, (place, *names) in enumerate(ROOMS) if not names and f"{module}.".startswith(f"{place}.")]
    found = rows or within[:1]
    assert found, f"{module} is in no room of ROOMS"
    return found[0]


@cache
def modules() -> dict[str, Path]:
    """The files of spec, nn and cli, by module name below nnlaw; packages end in ".__init__"."""
    files = [file for top in ("spec", "nn", "cli") for file in (PACKAGE / top).rglob("*.py")]
    names = {".".join(file.relative_to(PACKAGE).with_suffix("").parts): file for file in files}
    return {name: file for name, file in names.items() if not name.startswith("spec.fixtures.")}


def resolve(name: str) -> str | None:
    """The module that an absolute name means, such as "nnlaw.spec" or "nnlaw.spec.law.Law"; None if it is not ours."""
    top, _, rest = name.partition(".")
    if top != "nnlaw" or rest.split(".")[0] in OWN:
        return None
    while rest not in modules() and f"{rest}.__init__" not in modules():
        rest = rest.rpartition(".")[0]
        assert rest, f"{name} is not a module of nnlaw"
    return rest if rest in modules() else f"{rest}.__init__"


@cache
def imported(file: Path) -> list[tuple[str, int]]:
    """The modules that a file imports, at any level, each with the line."""
    found: list[tuple[str, int]] = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Import | ast.ImportFrom | ast.Constant):
            continue
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isprintable():
            dotted = node.value.startswith("nnlaw.") and all(part.isidentifier() for part in node.value.split("."))
            names = [node.value] if dotted else []  # for importlib.import_module
        for module in filter(None, map(resolve, names)):
            found.append((module, node.lineno))
    return found


def test_imports_go_down() -> None:
    """A module imports from its own room and those below."""
    pairs = [(name, line, other) for name, file in modules().items() for other, line in imported(file)]
    upward = [f"{name}:{line}: {other}" for name, line, other in pairs if room(other) > room(name)]
    assert len(pairs) > 1000 and not upward


def test_no_modules_import_each_other() -> None:
    """The graph of all imports, those inside functions included, has no cycle."""
    graph = {name: {other for other, _ in imported(file)} - {name} for name, file in modules().items()}
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError


def test_laws_see_only_subjects() -> None:
    """No law imports from spec/discovery: a law has no part in how its case was found."""
    laws = [name for name in modules() if name.startswith("spec.laws.")]
    assert len(laws) > 90
    assert not [name for name in laws for other, _ in imported(modules()[name]) if other.startswith("spec.discovery.")]


def test_every_folder_is_a_room_in_this_list() -> None:
    """No row of ROOMS is out of date."""
    for place, *names in ROOMS:
        files = {file.stem for file in (PACKAGE / place.replace(".", "/")).glob("*.py")}
        assert files and files.issuperset(names), place


@pytest.mark.slow
def test_spec_works_without_the_rest() -> None:
    """spec imports and checks a layer in a process in which nn and cli cannot be imported."""
    code = (
        "import sys; sys.modules['nnlaw.nn'] = sys.modules['nnlaw.cli'] = None\n"
        "import numpy as np\n"
        "from nnlaw.spec import LayerCase, conformance, obeys\n"
        "@obeys('N ... -> N ...')\n"
        "class Twice:\n"
        "    def forward(self, x): return x + x\n"
        "    def backward(self, dy): return dy + dy\n"
        "x = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)\n"
        "print(conformance(LayerCase('twice', Twice(), x)).outcome)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=IMPORT_ROOT)
    assert result.stdout.strip() == "passed", result.stderr


@pytest.mark.slow
def test_help_imports_nothing_heavy() -> None:
    """`nn --help` imports neither numpy nor any command."""
    code = (
        "import sys, nnlaw.cli.main as m; m.run(['--help']); "
        "print('numpy' in sys.modules, 'nnlaw.nn' in sys.modules, 'nnlaw.cli.train' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=IMPORT_ROOT)
    assert result.stdout.strip().endswith("\nFalse False False"), result.stdout + result.stderr


def test_the_distribution_is_named_nnlaw() -> None:
    """The installed distribution has the name that the README mentions."""
    try:
        version = importlib.metadata.version("nnlaw")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("running from a checkout that is not installed")
    assert version
