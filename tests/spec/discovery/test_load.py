"""spec/discovery/load.py: files are loaded as they are, definitions only."""

import os
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from nnlaw.spec.discovery.load import Loaded, load
from nnlaw.spec.discovery.unavailable import UnavailableError
from nnlaw.spec.violation import BadInput

FIXTURES = Path(__file__).parents[3] / "fixtures"  # of the checkout: an installed package has a part of them


@pytest.fixture
def write(tmp_path: Path):
    """Write files, given by path and text, below a temporary project; returns the project's folder."""

    def write_files(**files: str) -> Path:
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("/init", "/__init__")
            path = path.with_name(f"{path.name}.py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
        return tmp_path

    return write_files


def load_text(write, text: str) -> Loaded:
    return load(write(net=text) / "net.py")


def test_a_class_is_loaded_with_its_name_and_source(write) -> None:
    """A file's classes and functions are in the module, in order, and the text is the source."""
    loaded = load_text(write, "import numpy as np\ndef f(x):\n    return np.exp(x)\nclass Dense: pass\n")
    assert loaded.names == ("f", "Dense")
    assert loaded.module.f(0.0) == 1.0
    assert loaded.source.startswith("import numpy")
    assert (loaded.findings, loaded.placeholders, loaded.unavailable) == ([], (), {})


def test_a_training_script_is_not_run(write) -> None:
    """Statements that define nothing are left out: training, input(), sys.exit(), the main block."""
    loaded = load_text(
        write,
        """
        import sys
        class Net:
            def train(self): raise RuntimeError
        net = Net()
        net.train()
        name = input("name? ")
        for epoch in range(10**12):
            net.train()
        while True:
            pass
        sys.exit(3)
        if __name__ == "__main__":
            raise SystemExit
        """,
    )
    assert loaded.names == ("Net",)
    assert not loaded.unavailable


def test_what_definitions_read_is_kept(write) -> None:
    """Values and tables that a function reads are computed, also in if, try, with and for."""
    loaded = load_text(
        write,
        """
        import contextlib
        RATE = 2 * 3
        TABLE = {}
        for k in range(3):
            TABLE[k] = k * RATE
        TABLE["last"] = 7
        ORDER = []
        ORDER.append(1)
        if RATE > 5:
            LARGE = True
        else:
            LARGE = False
        try:
            import no_such_module_at_all as np
        except ImportError:
            import numpy as np
        with contextlib.suppress(ValueError):
            INSIDE = np.ones(2)
        def f(x): return TABLE, ORDER, LARGE, INSIDE
        f.prime = lambda x: 1
        """,
    )
    table, order, large, inside = loaded.module.f(0)
    assert table == {0: 0, 1: 6, 2: 12, "last": 7}
    assert (order, large, inside.sum(), loaded.module.f.prime(0)) == ([1], True, 2.0, 1)
    assert loaded.placeholders == () and not loaded.unavailable


def test_a_try_around_a_training_script_is_not_run(write) -> None:
    """Values that only the script needs, such as a list of losses, keep no loop and no except block."""
    loaded = load_text(
        write,
        """
        losses = []
        def f(x): return x
        for k in range(3):
            losses.append(1 / 0)
        try:
            losses = open("losses.txt")
        except OSError:
            for k in range(10**12):
                losses.append(f(k))
        try:
            WEIGHTS = open("weights.txt")
        except OSError:
            f(1 / 0)
        def g(): return WEIGHTS
        """,
    )
    assert loaded.names == ("losses", "f", "WEIGHTS", "g") and loaded.module.losses == []
    assert list(loaded.unavailable) == ["WEIGHTS"] and "FileNotFoundError" in loaded.unavailable["WEIGHTS"]


def test_a_missing_data_file_concerns_its_users_only(write) -> None:
    """A name that can't be computed is listed with the reason, and using it raises that reason."""
    loaded = load_text(
        write,
        """
        import numpy as np
        X = np.loadtxt("train.csv")
        N = X.shape[0]
        def size(): return N + 1
        def relu(x): return np.maximum(x, 0)
        """,
    )
    assert set(loaded.unavailable) == {"X", "N"}
    assert loaded.unavailable["N"] == loaded.unavailable["X"]
    assert loaded.unavailable["X"].startswith("line 3: FileNotFoundError: train.csv")
    assert loaded.module.relu(-1.0) == 0
    with pytest.raises(UnavailableError, match=r"net\.py, line 3: FileNotFoundError: train\.csv"):
        loaded.module.size()


def test_a_class_with_an_unavailable_base_is_unavailable(write) -> None:
    """A class statement that raises makes the class unavailable, with its own reason."""
    loaded = load_text(write, "class A:\n    size = 1 / 0\nclass B(A): pass\nclass C: pass\n")
    assert loaded.unavailable == dict.fromkeys("AB", "line 2: ZeroDivisionError: division by zero")
    assert loaded.names == ("A", "B", "C")


def test_a_slow_statement_is_stopped(write, monkeypatch) -> None:
    """A statement that does not end in time makes its name unavailable."""
    monkeypatch.setattr("nnlaw.spec.discovery.import_hook.STATEMENT_SECONDS", 0.1)
    loaded = load_text(write, "def count():\n    while True: pass\nN = count()\ndef f(): return N\n")
    assert "longer than 0.1 s" in loaded.unavailable["N"]


def test_absent_modules_become_placeholders(write) -> None:
    """Decorators, base classes, annotations and progress bars of absent modules do not stop the file."""
    loaded = load_text(
        write,
        """
        from absent_numba import njit, jit
        import absent_torch.nn as nn
        from absent_tqdm import tqdm
        @njit
        def f(x): return x + 1
        @jit(nopython=True)
        def g(x: nn.Tensor | None): return sum(tqdm([x, x]))
        class Model(nn.Module):
            def forward(self): return nn.functional.relu(1) + 1
        DEVICE = nn.device("gpu")
        def cost(): return nn.loss(3, DEVICE) * 2
        """,
    )
    assert loaded.unavailable == {"DEVICE": "absent_torch is not installed"}
    assert loaded.placeholders == ("absent_numba", "absent_torch", "absent_tqdm")
    assert loaded.module.f(1) == 2 and loaded.module.g(2) == 4
    with pytest.raises(UnavailableError, match="absent_torch is not installed"):
        loaded.module.cost()
    with pytest.raises(UnavailableError, match="absent_torch is not installed"):
        loaded.module.Model().forward()


def test_only_an_unused_import_of_the_script_is_skipped(write) -> None:
    """A module that only the skipped script needs is not a placeholder."""
    loaded = load_text(write, "import absent_keras\ndata = absent_keras.load()\ndef f(x): return x\n")
    assert loaded.placeholders == ()


@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_removed_numpy_names_are_supplied_and_reported(write) -> None:
    """np.float, np.Inf, np.mat and ragged arrays work in the file alone, and are findings with their lines."""
    loaded = load_text(
        write,
        """
        import numpy as np
        def f(x): return x.astype(np.float), np.Inf, np.product([2, 3]), np.mat("1 2")
        SIZES = np.array([[1, 2], [3]])
        def g(): return SIZES
        """,
    )
    as_float, inf, product, mat = loaded.module.f(np.arange(2))
    assert as_float.dtype == np.float64 and inf == np.inf and product == 6 and mat.shape == (1, 2)
    assert loaded.module.g().dtype == object
    assert [(row.line, row.found, row.instead) for row in loaded.findings][:2] == [
        (3, "np.float", "float"), (3, "np.Inf", "np.inf"),
    ]  # fmt: skip
    assert (loaded.findings[-1].line, loaded.findings[-1].found) == (4, "np.array of rows of different sizes")
    assert str(loaded.findings[0]).endswith("net.py: line 3: np.float no longer works; write float")
    assert not hasattr(np, "product")


def test_python_2_and_syntax_errors_are_one_sentence(write) -> None:
    """Python 2 is recognized; any other syntax error has the parser's message. Both have the line."""
    with pytest.raises(BadInput, match=r"net\.py:2: Python 2 code \(print without parentheses\), expected Python 3"):
        load_text(write, "x = 1\nprint 'loss', x\n")
    with pytest.raises(BadInput, match=r"net\.py:3: Python 2 code \(except E, name\)"):
        load_text(write, "try:\n    x = 1\nexcept ValueError, e:\n    pass\n")
    with pytest.raises(BadInput, match=r"net\.py:1: '\(' was never closed"):
        load_text(write, "f(1\n")
    with pytest.raises(BadInput, match=r"net\.py: an expression is nested too deeply"):
        load_text(write, f"x = {'-' * 100_000}1\n")
    with pytest.raises(BadInput, match=r"net\.py: source code string cannot contain null bytes"):
        load_text(write, "x = 1\0\n")
    with pytest.raises(BadInput, match=r"net\.py:1: 'return' outside function"):
        load_text(write, "return 1\n")


def test_the_process_is_as_before(write) -> None:
    """Arguments, folder, search path and names in sys.modules are those of before."""
    project = write(
        nn__init="", nn__layers="class Dense: pass",
        net="import os, sys\nsys.path.append('.')\nROOT = os.chdir('/')\nfrom nn.layers import Dense\n"
        "def f(): return ROOT, sys.argv, Dense\n",
    )  # fmt: skip
    before = list(sys.path), list(sys.argv), os.getcwd(), sys.modules.get("nn")
    loaded = load(project / "net.py")
    assert before == (list(sys.path), list(sys.argv), os.getcwd(), sys.modules.get("nn"))
    assert loaded.module.Dense.__name__ == "Dense"


def test_a_changed_file_is_loaded_anew(write) -> None:
    """A second load sees what was written in between, also in a file that is imported."""
    project = write(base="SIZE = 1", net="from base import SIZE\ndef f(): return SIZE\n")
    assert load(project / "net.py").module.f() == 1
    write(base="SIZE = 234")
    assert load(project / "net.py").module.f() == 234


PARTS = [file for file in sorted((FIXTURES / "untouched").rglob("*.py")) if "# expect: " not in file.read_text("utf-8")]


@pytest.mark.parametrize("file", PARTS, ids=lambda file: file.name)
def test_parts_of_untouched_packages_are_loaded(file: Path) -> None:
    """With all their names; test_untouched_fixtures.py loads the files that have a header."""
    assert not load(file).unavailable


@pytest.mark.parametrize("name", ["error_python_2.py", "error_syntax.py"])
def test_code_that_is_not_python_3_is_refused(name: str) -> None:
    """In one sentence with the line."""
    with pytest.raises(BadInput, match=rf"{name}:\d+: "):
        load(next((FIXTURES / "untouched").rglob(name)))


def test_files_of_the_checkout_import_our_packages() -> None:
    """`from nn import layer` means nnlaw.nn although a folder nn/ is above the file."""
    from nnlaw.nn.plugins.registry import REGISTRY

    before = dict(REGISTRY.plugins)
    with REGISTRY.user_plugins(override=True):
        loaded = load(next((FIXTURES / "faults").glob("layer_*.py")))
    assert loaded.names and not loaded.unavailable and not loaded.placeholders
    REGISTRY.plugins = before


def test_weights_made_at_the_top_are_reproducible(write) -> None:
    """np.random and random have the same seed in each load, and their states are set back."""
    text = "import numpy as np, random\nW = np.random.randn(3)\nr = random.random()\ndef f(): return W.tolist(), r\n"
    before = np.random.get_state()[1].tolist()
    first = load(write(a=text) / "a.py").module.f()
    assert first == load(write(b=text) / "b.py").module.f()
    assert np.random.get_state()[1].tolist() == before
