"""spec/discovery/needed_statements.py: which statements define something."""

import ast
import re
import textwrap

import pytest

from nnlaw.spec.discovery.needed_statements import Definitions


def kept(text: str, names: set[str] | None = None) -> str:
    """The needed statements as text, without empty lines."""
    parts = Definitions(ast.parse(textwrap.dedent(text))).needed(names)
    return re.sub(r"\n\n+", "\n", "\n".join(ast.unparse(part) for part in parts))


@pytest.mark.parametrize(
    "text",
    [
        "W = 1\ndef f():\n    return W",
        "x, y = (1, 2)\nclass A(Base):\n    size = x",
        "import numpy as np\n@np.vectorize\ndef f(x=np.pi):\n    return x",
        "def f():\n    pass\nf.prime = 3",
        "def f():\n    pass\nsetattr(f, 'prime', 3)",
        "class A:\n    pass\nA.forward = lambda self, x: x",
        "LAYERS = {}\ndef f():\n    return LAYERS\nLAYERS['f'] = f",
        "LAYERS = {}\ndef f():\n    return LAYERS\nLAYERS.update(f=f)",
        "def f():\n    pass\nregister(f)",
        "W = np.ones(2)\nW *= 2\ndef f():\n    return W",
        "f = lambda x: x\ng = jit(f)\nh = (f, g)",
        "from torch import *",
        "import sys\nsys.path.insert(0, '..')",
        "TOTAL = 0\nfor k in range(3):\n    LAST = k\ndef f():\n    return (TOTAL, LAST)",
        "if FAST:\n    def f():\n        pass\nelse:\n    def f():\n        return 1",
        "try:\n    from fast import f\nexcept ImportError:\n    def f():\n        pass",
        "with open('a') as file:\n    TABLE = file.read()\ndef f():\n    return TABLE",
    ],
)
def test_all_of_it_is_needed(text: str) -> None:
    """Definitions and what they read, at once or when called, are kept as written."""
    assert kept(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "print('hello')",
        "net = Net()",
        "X, y = load()",
        "import torch\nmodel = torch.load('m')",
        "assert x\nraise ValueError\ndel x",
        "if __name__ == '__main__':\n    W = 1",
        "for epoch in range(9):\n    train()",
        "with open('a') as file:\n    file.write('b')",
        "history = []\nhistory = fit()\nhistory.append(fit())",
        "if fast:\n    train()\nelse:\n    test()",
        "try:\n    train()\nexcept ValueError:\n    pass\nfinally:\n    stop()",
    ],
)
def test_nothing_of_it_is_needed(text: str) -> None:
    """A script that defines nothing runs nothing, but for constants."""
    assert kept(text) in ("", "history = []")


def test_a_compound_statement_keeps_its_needed_parts() -> None:
    """Of if and try only the parts that bind something needed run; an except block without any raises its error."""
    assert kept("if gpu:\n    import cupy as np\n    print(1)\nelse:\n    train()\ndef f(): return np") == (
        "if gpu:\n    import cupy as np\ndef f():\n    return np"
    )
    assert kept("try:\n    W = load()\n    train()\nexcept OSError:\n    train()\ndef f(): return W") == (
        "try:\n    W = load()\nexcept OSError:\n    raise\ndef f():\n    return W"
    )


def test_a_local_name_is_no_read_of_the_global_one() -> None:
    """A function's own variables and parameters do not keep the script's variables of the same name."""
    assert kept("X = load()\nW = load()\ndef f(X):\n    W = X\n    return W") == (
        "def f(X):\n    W = X\n    return W"
    )


def test_a_training_loop_binds_nothing_new() -> None:
    """A loop that only rebinds weights bound before is left out."""
    assert kept("W = init()\nfor k in range(9):\n    W = W - step(W)\ndef f(): return W") == (
        "W = init()\ndef f():\n    return W"
    )


def test_the_main_block_is_the_last_resort() -> None:
    """A global name that only the main block or a call of a function binds is taken from there."""
    assert kept("def f(): return RATE\nif __name__ == '__main__':\n    RATE = 3\n    OTHER = 4\n    train()") == (
        "def f():\n    return RATE\nRATE = 3"
    )
    text = "if __name__ == '__main__':\n    {}\nelse:\n    from b import c\nif __name__ != '__main__':\n    d = 2"
    assert kept(text.format("a = 1")) == text.format("pass")
    assert kept("def init():\n    global W\n    W = 1\ndef f(): return W\ninit()\nf()").endswith("\ninit()")


def test_what_one_name_needs() -> None:
    """For given names only their statements are needed."""
    text = "A = load()\nB = A + 1\nC = 3\ndef f(): return C\n"
    assert kept(text, {"B"}) == "A = load()\nB = A + 1"
    assert kept(text, {"nothing"}) == ""
    assert Definitions(ast.parse(text)).names() == ["C", "f"]
