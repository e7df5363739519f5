"""Damaged settings, runs, bundles and plugins are refused in one line. Each case failed in another way before."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from nnlaw.nn.core.settings import Settings, read_settings
from nnlaw.nn.plugins.loader import load_plugin_file
from nnlaw.nn.run_folder.array_files import read_arrays
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.json_files import read_json
from nnlaw.nn.run_folder.metrics_file import read_metrics
from nnlaw.nn.run_folder.tree_file import pack, read_tree_header, unpack
from nnlaw.nn.runs.bundle import unpack_bundle
from nnlaw.nn.runs.predictor import Predictor
from nnlaw.nn.runs.replay import replay
from nnlaw.nn.runs.reproduce import _distance
from nnlaw.nn.stress.fuzzing import seed_files as valid
from nnlaw.nn.training.session import prepare
from nnlaw.spec.violation import MAX_LENGTH, BadInput

pytestmark = pytest.mark.usefixtures("hasty")
DEEP = "[" * 100_000


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"seed = {'1' * 5000}", "limit"),
        (f"seed = 0x{'f' * 5000}", "seed = a number of thousands of digits, expected a 64-bit integer"),
        (f"lr = 0x{'f' * 5000}", "lr = a number of thousands of digits, expected float"),
        (f"lr = {'1' * 400}", "expected float"),
        (f"seed = {2**63}", "expected a 64-bit integer"),
        (f"layers = {DEEP}", "brackets are nested too deeply"),
        (f"seed = '{'x' * 100_000}'", "expected int"),
        (f"{'k' * 100_000} = 1", "unknown key"),
        (f"loss = '{'x' * 100_000}'", "no loss is called"),
        ("layers = 'dense:999999999999'", "Unable to allocate"),
        ("format = true", "format = True, expected 1"),
    ],
)
def test_extreme_settings_are_refused(tmp_path: Path, line: str, words: str) -> None:
    """Very long numbers, nested brackets and texts are refused in a message of limited length."""
    valid.idx_files(tmp_path, 0)
    path = tmp_path / "config.toml"
    path.write_text(line if line.startswith("format") else f"format = 1\n{line}\n")
    with pytest.raises(BadInput) as found:
        prepare(Settings(data=str(tmp_path)).with_changes(read_settings(path)))
    assert words in str(found.value) and len(str(found.value)) <= MAX_LENGTH and str(found.value).isprintable()


def test_a_refusal_is_one_line() -> None:
    """Quoted text is shortened and escaped, so that the message is one printable line."""
    assert str(BadInput("x is 'é', expected 2")) == "x is 'é', expected 2"
    assert str(BadInput("a\nb\x1b[2J\ud800")) == "a\\nb\\x1b[2J\\ud800"
    long = str(BadInput("begin " + "x" * 10**6 + "\n end"))
    assert len(long) <= MAX_LENGTH and long.startswith("begin") and long.endswith("end") and long.isprintable()


def test_deeply_nested_json_is_refused(tmp_path: Path) -> None:
    """Nested brackets raise BadInput, not RecursionError, in a JSON file and in a line of metrics."""
    (tmp_path / "metrics.jsonl").write_text(DEEP)
    with pytest.raises(BadInput, match="not a readable JSON file"):
        read_json(tmp_path / "metrics.jsonl")
    with pytest.raises(BadInput, match="line 1: not JSON"):
        list(read_metrics(Run(tmp_path)))


def test_numbers_beyond_float_range_have_infinite_distance() -> None:
    """The distance of a whole number with hundreds of digits from a loss is infinite."""
    assert _distance(10**400, 0.5) == _distance(0.5, 10**400) == float("inf")


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """A small finished run."""
    (tmp_path / "run").mkdir()
    valid.finished_run(tmp_path / "run", 0)
    return tmp_path / "run"


def test_weights_that_are_not_finite_give_no_prediction(finished: Path) -> None:
    """Weights of nan are refused, instead of predicting the first class with confidence nan."""
    weights = read_arrays(finished / "weights.safetensors")
    save_file({name: array * np.float32("nan") for name, array in weights.items()}, finished / "weights.safetensors")
    with pytest.raises(BadInput, match="its weights give nan for this picture, expected probabilities"):
        Predictor(Run(finished)).probabilities(np.zeros((28, 28), np.uint8))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("classes", [1] * 10, "classes is missing or not"), ("n_in", 2**31, "does not fit in memory")],
)
def test_an_invalid_record_is_refused(
    finished: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: object, words: str
) -> None:
    """Classes without names, and more inputs than fit into memory, are refused."""

    def no_room(shape: object, *rest: object) -> None:
        raise MemoryError(f"Unable to allocate {shape}")

    record = json.loads((finished / "record.json").read_text())
    (finished / "record.json").write_text(json.dumps(record | {name: value}))
    monkeypatch.setattr("nnlaw.nn.network.complete_layer", no_room)  # some machines overcommit memory
    with pytest.raises(BadInput, match=words):
        Predictor(Run(finished))


@pytest.mark.parametrize("change", [lambda text: text.replace(b"[1", b"[2"), lambda text: text[:-1] + b"\x01"])
def test_a_changed_checkpoint_is_refused(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    """Checksums reveal a change of the tree or of the arrays."""
    path = tmp_path / "packed"
    path.write_bytes(pack({"rows": [1, 2], "w": np.zeros(4, np.float32)}))
    assert unpack(path)["rows"] == read_tree_header(path)["rows"] == [1, 2]
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(BadInput, match="damaged"):
        unpack(path)


def test_a_checkpoint_has_the_same_bytes_each_time() -> None:
    """Packing is deterministic."""
    tree = {"a": np.arange(3), "b": {"c": 1.5}}
    assert len({pack(tree) for _ in range(20)}) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"steps": 0},
        {"n_in": "x"},
        {"classes": None},
        {"phase": "lunch"},
        {"violation": {}},
        {"violation": [1]},
        {"settings": "none"},
        {"settings": {"loss": 0.5}},
        {"settings": {"supper": 1}},
    ],
)
def test_an_invalid_signature_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    """A failure signature with wrong types or values cannot be replayed."""
    (tmp_path / "failure").mkdir()
    valid.failure_folder(tmp_path / "failure", 0)
    path = tmp_path / "failure" / "signature.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(BadInput, match=r"signature\.json: "):
        replay(tmp_path / "failure")


def test_a_bundle_with_an_undecodable_name_is_refused(tmp_path: Path) -> None:
    """A member name that is marked as UTF-8 but is not raises BadInput."""
    valid.bundle(tmp_path, 0)
    path = tmp_path / "run.zip"
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\x01\x02")
    content[at + 9] |= 0x08  # the flag of UTF-8
    content[at + 46] = 0xFF
    path.write_bytes(content)
    (tmp_path / "out").mkdir()
    with pytest.raises(BadInput, match="not a readable bundle"):
        unpack_bundle(path, tmp_path / "out")


def test_a_plugin_with_null_bytes_is_refused(tmp_path: Path) -> None:
    """Python reports no line for such a file, so the message has no line."""
    (tmp_path / "mine.py").write_bytes(b"x = 1\0\n")
    with pytest.raises(BadInput, match=r"mine\.py: source code"):
        load_plugin_file(tmp_path / "mine.py")
