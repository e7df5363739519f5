"""How a constructor uses its arguments is read in its source."""

from pathlib import Path

import pytest

from nnlaw.spec.discovery.argument_uses import uses_of
from nnlaw.spec.discovery.load import load

SOURCE = '''
TABLE = {"RELU": max, "TANH": min}


def chosen(name):
    if name == "he":
        return 1
    return {"lecun": 2}[name]


class Layer:
    def __init__(self, kind, init, settings, curve, rows):
        self.kind = kind.lower()
        self.scale = chosen(init)
        height, width = settings["kernel"]
        self.rate = settings.get("rate", 0.1)
        self.curve = curve
        self.sizes = [row["units"] for row in rows]

    def forward(self, x):
        assert self.kind in ("same", "valid")
        return self.curve.value(x)


class Network:
    def __init__(self, name):
        self.function = TABLE[name]
'''


@pytest.fixture
def module(tmp_path: Path) -> object:
    """The source as a loaded module."""
    path = tmp_path / "layer.py"
    path.write_text(SOURCE)
    return load(path).module


@pytest.mark.parametrize(
    ("owner", "argument", "texts"),
    [("Layer", "kind", ["same", "valid"]), ("Layer", "init", ["he", "lecun"]), ("Network", "name", ["RELU", "TANH"])],
)
def test_texts_are_those_that_the_code_compares_or_looks_up(
    module: object, owner: str, argument: str, texts: list[str]
) -> None:
    """Texts are found in comparisons, in functions that get the argument, and as keys of dicts."""
    assert uses_of(getattr(module, owner), argument).texts == texts


def test_keys_are_those_without_a_default(module: object) -> None:
    """A key is found with the names that its value is unpacked into; one with a default is left out."""
    assert uses_of(module.Layer, "settings").keys == {"kernel": ("height", "width")}  # type: ignore[attr-defined]


def test_attributes_and_elements_are_followed(module: object) -> None:
    """The attributes that are read from an object, in any method, and the keys of a list's elements are found."""
    assert uses_of(module.Layer, "curve").attributes == ["value"]  # type: ignore[attr-defined]
    rows = uses_of(module.Layer, "rows")  # type: ignore[attr-defined]
    assert rows.iterated
    assert list(rows.keys) == ["units"]
