"""spec/discovery/import_hook.py: imports inside the user's project."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from nnlaw.spec.discovery.load import load
from nnlaw.spec.violation import BadInput

SWISH = """
import numpy as np
{base}
class Swish(Piece):
    def forward(self, x): return x / (1 + np.exp(-x))
"""


def write(folder: Path, **files: str) -> Path:
    """Write files named like pkg__layers; pkg__init is pkg/__init__.py."""
    for name, text in files.items():
        parts = ["__init__" if part == "init" else part for part in name.split("__")]
        path = folder.joinpath(*parts).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "base",
    [
        "from .base import Piece",
        "from bits.base import Piece",
        "from . import base; Piece = base.Piece",
        "import bits.base as b; Piece = b.Piece",
        "import bits.base; Piece = bits.base.Piece",
        "from bits import Piece",
        "from .base import *",
        "from base import Piece",
    ],
)
@pytest.mark.parametrize("top", ["", "src__"])
def test_a_file_is_a_member_of_its_package(tmp_path, base, top) -> None:
    """Relative and absolute imports give one and the same class, also below src/."""
    names = {"init": "from .base import Piece\n", "base": "class Piece: pass\n", "swish": SWISH.format(base=base)}
    write(tmp_path, **{f"{top}bits__{name}": text for name, text in names.items()})
    folder = tmp_path / top.replace("__", "/") / "bits"
    loaded = load(folder / "swish.py")
    assert not loaded.unavailable
    assert loaded.module.Swish.__mro__[1] is load(folder / "base.py").module.Piece
    assert "Swish" in loaded.names


def test_folders_without_init_are_packages_too(tmp_path) -> None:
    """A file below the project's root imports from sibling folders that have no __init__.py."""
    write(
        tmp_path,
        layers__dense="from core.base import Piece\nfrom ..tools import helper\nclass Dense(Piece): x = helper\n",
        core__base="class Piece: pass\n",
        tools="def helper(): pass\n",
    )
    loaded = load(tmp_path / "layers" / "dense.py")
    assert not loaded.unavailable and not loaded.placeholders


def test_a_folder_around_the_file_with_the_imported_name(tmp_path) -> None:
    """It is found above any number of folders, also if no file marks the root of the project."""
    write(tmp_path / "project", bits__base__size="SIZE = 3\n", bits__a__b__c__net="from bits.base.size import SIZE\n")
    assert load(tmp_path / "project" / "bits" / "a" / "b" / "c" / "net.py").module.SIZE == 3


@pytest.mark.parametrize("package", ["nn", "spec", "cli", "utils", "layers", "test", "queue"])
def test_two_projects_with_packages_of_one_name(tmp_path, package) -> None:
    """Each file gets the package of its own project under any name, also by an import inside a function."""
    for project, value in (("a", 1), ("b", 2)):
        write(
            tmp_path / project,
            **{
                f"{package}__init": "",
                f"{package}__base": f"VALUE = {value}\n",
                "setup": "",
                "net": f"from {package}.base import VALUE\ndef late():\n    from {package} import base\n"
                f"    return base.VALUE\ndef f(): return VALUE\n",
            },
        )
    first, second = (load(tmp_path / project / "net.py").module for project in "ab")
    assert (first.f(), first.late(), second.f(), second.late()) == (1, 1, 2, 2)


def test_nn_and_spec_mean_ours_if_the_user_has_none(tmp_path) -> None:
    """`from nn import layer` and `from spec import obeys` work; a bare folder nn/ is used for what it has."""
    import nnlaw

    write(tmp_path, net="from nn import layer\nfrom spec import obeys\nfrom nn.mine import f\ng = layer, obeys\n",
          nn__mine="def f(): pass\n")  # fmt: skip
    loaded = load(tmp_path / "net.py")
    assert loaded.module.g == (nnlaw.layer, nnlaw.obeys)
    assert loaded.module.f.__code__.co_filename == str(tmp_path / "nn" / "mine.py")


def test_an_installed_module_wins_over_a_bare_folder(tmp_path) -> None:
    """A folder called numpy or rich beside the file hides no installed package, and random.py not the standard one."""
    write(tmp_path, numpy__net="", rich__net="", random="", net="import numpy, rich.text, random\n"
          "def f(): return numpy.ones(1), rich.text.Text, random.random()\n")  # fmt: skip
    assert load(tmp_path / "net.py").module.f()[0] == 1


def test_a_file_and_a_folder_of_one_name(tmp_path) -> None:
    """A file beside a folder of its name is loaded, and so are the files in that folder."""
    write(tmp_path, net="def f(): return 1\n", net__part="from net import f\ndef g(): return f()\n",
          pkg="def h(): pass\n", pkg__init="")  # fmt: skip
    assert load(tmp_path / "net.py").names == ("f",)
    assert load(tmp_path / "net" / "part.py").module.g() == 1
    assert load(tmp_path / "pkg.py").names == ("h",)
    assert load(tmp_path / "pkg" / "__init__.py").names == ()


def test_star_import_of_an_absent_module(tmp_path) -> None:
    """Names that nothing else defines are taken from it, so that a class can derive from them."""
    write(tmp_path, net="from absent_qt import *\nclass Window(QWidget): pass\ndef f(): return 1\nx = missing + 1\n"
          "def g(): return x\n")  # fmt: skip
    loaded = load(tmp_path / "net.py")
    assert loaded.unavailable == {"x": "line 4: absent_qt is not installed"}


def test_modules_that_import_each_other(tmp_path) -> None:
    """A name that a half-loaded module has further down is made when it is imported."""
    write(tmp_path, a="from b import g\ndef f(): return LATE\nLATE = 3\n", b="from a import f\ndef g(): return f()\n")
    assert load(tmp_path / "a.py").module.g() == 3


def test_what_a_file_puts_on_the_search_path(tmp_path) -> None:
    """sys.path.append("../lib") is relative to the file, and ends with it."""
    write(tmp_path, lib__helper="def h(): return 5\n", example__net="import sys\nsys.path.append('../lib')\n"
          "from helper import h\ndef f(): return h()\n")  # fmt: skip
    before = list(sys.path)
    assert load(tmp_path / "example" / "net.py").module.f() == 5
    assert sys.path == before


def test_a_value_is_computed_when_another_file_imports_it(tmp_path) -> None:
    """What no definition of its own file needs is left out until it is imported or read."""
    write(
        tmp_path,
        config="import math\nRATE = math.sqrt(4)\nclass C: pass\nUNUSED = open('nothing')\n",
        net="import config\nfrom config import RATE\nfrom config import *\nTWICE = math.pi\n"
        "def f(): return RATE + config.RATE, TWICE\n",
    )
    loaded = load(tmp_path / "net.py")
    assert loaded.module.f()[0] == 4
    assert "UNUSED" not in vars(loaded.module.config)


def test_a_python_2_file_of_the_project_concerns_its_users_only(tmp_path) -> None:
    """An import of a Python 2 file makes the imported names unavailable, with the file and line."""
    write(tmp_path, old="print 'x'\n", net="from old import g\ndef f(): return g()\ndef h(): return 1\n")
    loaded = load(tmp_path / "net.py")
    assert "old.py:1: Python 2 code" in loaded.unavailable["g"]
    assert loaded.module.h() == 1


def test_a_reason_in_another_file_names_it(tmp_path) -> None:
    """A value that another file could not compute is unavailable here, with the other file's name and line."""
    write(tmp_path, data="\nX = open('x.csv')\n", net="from data import X\nN = len(X)\ndef g(): return N\n")
    assert set(load(tmp_path / "net.py").unavailable) == {"X", "N"}
    assert load(tmp_path / "net.py").unavailable["N"].startswith("data.py, line 2: FileNotFoundError")


def test_a_package_is_loaded_once(tmp_path) -> None:
    """pkg/__init__.py is the package itself; one that can't be parsed is refused, yet its files can be loaded."""
    write(tmp_path, pkg__init="from .net import Net\nclass Base: pass\n", pkg__net="class Net: pass\n",
          old__init="print 1\n", old__net="class Net: pass\n")  # fmt: skip
    package = load(tmp_path / "pkg" / "__init__.py")
    assert package.names == ("Base",) and package.module.Net is load(tmp_path / "pkg" / "net.py").module.Net
    with pytest.raises(BadInput, match="Python 2"):
        load(tmp_path / "old" / "__init__.py")
    assert load(tmp_path / "old" / "net.py").names == ("Net",)


def test_dataclasses_and_sources_work(tmp_path) -> None:
    """Library functions that look for a class's module find it."""
    import inspect

    write(
        tmp_path,
        net="from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass P: x: int = 1\n",
    )
    module = load(tmp_path / "net.py").module
    assert module.P(2).x == 2
    assert inspect.getsource(module.P).startswith("@dataclass")


def test_installed_packages_are_imported_as_they_are() -> None:
    """Loading a file changes nothing for the modules of the process: numpy keeps its own names."""
    code = (
        "import tempfile, pathlib, sys\n"
        "from nnlaw.spec.discovery.load import load\n"
        "file = pathlib.Path(tempfile.mkdtemp()) / 'n.py'\n"
        "file.write_text('import numpy as np, scipy.special\\ndef f(): return np.float, scipy')\n"
        "print(load(file).module.f()[0].__name__, 'n' in sys.modules, sys.modules['scipy'].__name__)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.split() == ["float", "False", "scipy"], result.stderr
