"""Files of version 0.1 in fixtures/version_0_1 are still read, resumed and replayed, and commands write the same files.

The last bits depend on NumPy, BLAS and the processor: if these are the recorded ones, all numbers must be equal, and
otherwise close. Random numbers must be the same everywhere."""

import hashlib
import json
import shlex
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from nnlaw.cli.main import run as cli
from nnlaw.nn.core.rng import stream
from nnlaw.nn.plugins.registry import REGISTRY

pytestmark = pytest.mark.usefixtures("hasty")
FOLDER = Path(__file__).parents[2] / "fixtures" / "version_0_1"
KNOWN: dict[str, Any] = json.loads((FOLDER / "digests.json").read_text(encoding="utf-8"))
KERNELS = ("numpy", "blas", "cpu", "system")  # by which metrics may differ in their last bits
FREE = {"judged", "sha256"}  # tables whose keys are data
PASSING = {"revision"}  # keys that only a run from a checkout writes
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _as_in_a_new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget imported plugins, because their copies have the same names in all folders."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "mine_helper", raising=False)


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the frozen folder, as the current folder."""
    copy = shutil.copytree(FOLDER, tmp_path / "old")
    monkeypatch.chdir(copy)
    return copy


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with only the data and the plugins, as for the recorded commands."""
    (tmp_path / "empty").mkdir()
    shutil.copy(FOLDER / "digits.npz", tmp_path / "empty")
    shutil.copytree(FOLDER / "plugins", tmp_path / "empty" / "plugins")
    monkeypatch.chdir(tmp_path / "empty")
    return tmp_path / "empty"


def call(line: str) -> int:
    """The exit code of a recorded command line, `nn ...`."""
    return cli(shlex.split(line)[1:])


def read(path: Path) -> Any:
    """The content of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def digest(arrays: dict[str, Any]) -> str:
    """SHA-256 over names, dtypes, shapes and bits, as summary.json has it for the weights."""
    sha = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        sha.update(f"{name} {array.dtype.str} {array.shape};".encode() + np.ascontiguousarray(array).tobytes())
    return sha.hexdigest()


def metrics(run: Path) -> list[dict[str, Any]]:
    """The rows of metrics.jsonl without times."""
    rows = map(json.loads, (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def outcome(run: Path) -> dict[str, Any]:
    """The result of a finished run: digests of weights and metrics, the last loss, and the accuracy."""
    summary, rows = read(run / "summary.json"), metrics(run)
    weights = digest(load_file(run / "weights.safetensors"))
    assert summary["digests"]["weights"] == weights
    return {
        "weights": weights,
        "metrics": hashlib.sha256(json.dumps(rows).encode()).hexdigest(),
        "last_loss": rows[-1]["loss"],
        "test_accuracy": summary["test_accuracy"],
    }


def same_kernels(versions: dict[str, Any]) -> bool:
    """Whether NumPy, BLAS and processor are the recorded ones."""
    return all(versions[name] == KNOWN["versions"][name] for name in KERNELS)


def assert_outcome(run: Path, recorded: dict[str, Any]) -> None:
    """A finished run has the recorded result."""
    found = outcome(run)
    if same_kernels(read(run / "summary.json")["versions"]):
        assert found == recorded
    else:
        assert found["last_loss"] == pytest.approx(recorded["last_loss"], rel=0.02)
        assert found["test_accuracy"] == pytest.approx(recorded["test_accuracy"], abs=0.07)  # two of 30 pictures


def keys(value: Any) -> set[str]:
    """The paths of all keys in a value: `a`, `a.b`, `a[].b`. A table whose keys are data is empty."""
    if isinstance(value, list):
        return {f"[]{path}" if path.startswith("[]") else f"[].{path}" for row in value for path in keys(row)}
    if not isinstance(value, dict) or set(value) <= {"$array", "$scalar"}:
        return set()
    found = set()
    for name in set(value) - PASSING:
        below = set() if name in FREE else keys(value[name])
        found |= {name} | {f"{name}{path}" if path.startswith("[]") else f"{name}.{path}" for path in below}
    return found


def keys_of_tensors(content: bytes) -> set[str]:
    """The names of the arrays in a safetensors file, its metadata, and the keys of a packed tree."""
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    metadata = header.pop("__metadata__", {})
    found = {f"array {name}" for name in header} | {f"metadata {name}" for name in metadata}
    if "tree" in metadata:
        found |= {f"tree {path}" for path in keys(json.loads(metadata["tree"].partition(" ")[2]))}
    return found


def keys_of_lines(text: str) -> set[str]:
    """The keys of settings, one per line, or of JSON rows."""
    if text.startswith("{"):
        return set().union(*(keys(json.loads(line)) for line in text.splitlines()))
    return {line.partition(" = ")[0] for line in text.splitlines() if " = " in line}


def files_and_keys(folder: Path) -> dict[str, list[str]]:
    """Every file that a run wrote into a folder, and every key in it."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"):
        inside: set[str] = set()
        if path.suffix == ".json":
            inside = keys(read(path))
        elif path.suffix in (".toml", ".jsonl"):
            inside = keys_of_lines(path.read_text(encoding="utf-8"))
        elif path.suffix == ".safetensors":
            inside = keys_of_tensors(path.read_bytes())
        elif path.suffix == ".npz":
            inside = set(np.load(path))
        found[path.relative_to(folder).as_posix()] = sorted(inside)
    return found


def without_violation(files: dict[str, list[str]]) -> dict[str, list[str]]:
    """The same files and keys, but of a recorded violation only its law and its array: 0.2 changed the other fields."""
    kept = ("violation", "violation.law", "violation.array")
    found = {}
    for name, inside in files.items():
        found[name] = [key for key in inside if key in kept or not key.startswith("violation")]
    return found


def members_and_keys(bundle: Path) -> dict[str, list[str]]:
    """Every member of a bundle, and every key of its index."""
    with zipfile.ZipFile(bundle) as file:
        index = json.loads(file.read("bundle.json"))
        return {name: sorted(keys(index)) if name == "bundle.json" else [] for name in file.namelist()}


def streams() -> dict[str, list[float]]:
    """The first numbers of each stream of seed 7, at index 0 and, for layers, inside `init`."""
    seed = np.random.SeedSequence(7)
    layers = [f"layer {name}" for name in ("dense", "batchnorm", "dropout")]
    found = {name: stream(seed, name, 0) for name in ("init", "split", "shuffle", "adversarial", *layers)}
    inside = stream(seed, "init").bit_generator.seed_seq
    assert isinstance(inside, np.random.SeedSequence)
    found |= {f"init, {name}, place 1": stream(inside, name, 1) for name in layers}
    return {name: rng.random(4).tolist() for name, rng in found.items()}


def initializers() -> dict[str, str]:
    """SHA-256 of the arrays of each initializer for default_rng(7) and shape (5, 3)."""
    found = {}
    for name in ("he", "xavier", "lecun"):
        weights = REGISTRY.find("initializer", name).thing(np.random.default_rng(7), (5, 3), 5, 3)
        found[name] = digest({name: np.round(weights, 12)})  # the last bits depend on the square root
    return found


def digits(place: Path) -> dict[str, str]:
    """SHA-256 of the four files with 70 digits of seed 0."""
    assert cli(["digits", str(place), "--count", "70", "--seed", "0"]) == 0
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(place.glob("*ubyte"))}


def plugins(capsys: Capture) -> dict[str, Any]:
    """Contract and settings of every built-in plugin, by kind and name."""
    assert cli(["plugins", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    return {f"{row['kind']} {row['name']}": {k: row[k] for k in ("contract", "settings")} for row in rows}


def laws(capsys: Capture) -> list[str]:
    """Kind and code of every law."""
    assert cli(["laws", "--json"]) == 0
    return sorted(f"{row['kind']} {row['law']}" for row in json.loads(capsys.readouterr().out))


def test_the_files_are_unchanged() -> None:
    """Every file has its digest in SHA256SUMS, and no file is missing or added."""
    lines = (FOLDER / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    recorded = {name: sha for sha, _, name in (line.partition("  ") for line in lines)}
    files = [path for path in FOLDER.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    found = {path.relative_to(FOLDER).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    del found["SHA256SUMS"]
    assert found == recorded


def test_a_half_done_run_is_resumed(old: Path) -> None:
    """With a plugin, optimizer state, layer state and generators; the result is the recorded one."""
    assert call("nn train --resume half_done_run --trust --json") == 0
    assert_outcome(old / "half_done_run", KNOWN["outcomes"]["half_done_run, resumed"])


@pytest.mark.parametrize("name", ["finished_run", "finished_plain_run"])
def test_a_finished_run_is_extended_or_refused(old: Path, name: str) -> None:
    """It is extended if its schedule is constant; with another schedule it is refused and unchanged."""
    constant = name == "finished_run"
    before = (old / name / "weights.safetensors").read_bytes()
    assert call(f"nn train --resume {name} --epochs 4 --trust --json") == (0 if constant else 2)
    assert ((old / name / "weights.safetensors").read_bytes() == before) is not constant
    if constant:
        assert_outcome(old / name, KNOWN["outcomes"]["finished_run, trained on"])


@pytest.mark.parametrize("name", ["failure", "failure_without_laws", "failure_before_training"])
def test_a_failure_is_replayed(old: Path, name: str, capsys: Capture) -> None:
    """The recorded law fails again, with exit code 1 and its code in the message."""
    assert call(f"nn replay {name}") == KNOWN["replays"][name]["exit"]
    assert f"{KNOWN['replays'][name]['law']}: " in capsys.readouterr().err
    assert read(old / name / "signature.json")["violation"]["law"] == KNOWN["replays"][name]["law"]


@pytest.mark.parametrize("name", list(KNOWN["predictions"]))
def test_pictures_are_classified_as_recorded(old: Path, name: str, capsys: Capture) -> None:
    """Same class, and same probabilities to six digits."""
    assert call(f"nn predict pictures --run {name} --json") == 0
    rows, recorded = json.loads(capsys.readouterr().out), KNOWN["predictions"][name]
    assert [Path(row["file"]).name for row in rows] == list(recorded)
    for row, then in zip(rows, recorded.values(), strict=True):
        assert set(row) == set(then) and row["prediction"] == then["prediction"] and row["weights"] == then["weights"]
        assert row["probabilities"] == pytest.approx(then["probabilities"], abs=1e-6)


@pytest.mark.slow
def test_a_bundle_is_reproduced(old: Path, capsys: Capture) -> None:
    """A bundle with a user's plugin is identical, with the recorded exit code and keys."""
    assert call("nn reproduce bundle.zip --json") == KNOWN["reproduced"]["exit"]
    found, recorded = json.loads(capsys.readouterr().out), KNOWN["reproduced"]["answer"]
    assert keys(found) == keys(recorded) and found["steps"] == recorded["steps"]
    assert found["versions"]["recorded"] == recorded["versions"]["recorded"]
    assert found["outcome"] in ("identical", "within band")
    assert found["outcome"] == "identical" or not same_kernels(found["versions"]["here"])


def test_an_old_run_is_bundled_to_the_same_bytes(old: Path) -> None:
    """The bundle of an old run is the recorded one, byte for byte."""
    assert call("nn bundle finished_run --output again.zip") == 0
    assert (old / "again.zip").read_bytes() == (old / "bundle.zip").read_bytes()


def test_old_runs_are_listed(old: Path, capsys: Capture) -> None:
    """The list of runs has the recorded rows."""
    assert call("nn runs . --json") == 0
    assert json.loads(capsys.readouterr().out) == KNOWN["runs"]


@pytest.mark.slow
@pytest.mark.parametrize("name", list(KNOWN["commands"]))
def test_the_same_command_writes_the_same_files(empty: Path, name: str, capsys: Capture) -> None:
    """A recorded command has the same exit code, and writes the same names, keys and weights."""
    command = KNOWN["commands"][name]
    assert call(command["line"]) == command["exit"]
    assert without_violation(files_and_keys(empty / name)) == without_violation(command["files"])
    if name in KNOWN["outcomes"]:
        assert_outcome(empty / name, KNOWN["outcomes"][name])


def test_a_bundle_has_the_same_members(old: Path) -> None:
    """The members of a bundle and the keys of its index are the recorded ones."""
    assert members_and_keys(old / "bundle.zip") == KNOWN["bundle"]


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow][n.startswith("default"):]) for n in KNOWN["recipes"]]
)
def test_a_recipe_has_the_same_weights(empty: Path, name: str, capsys: Capture) -> None:
    """A short training with each optimizer, schedule, loss and batch sampler, on the built-in digits of nn digits."""
    built_in = name == "default recipe on the built-in digits"
    assert not built_in or call("nn digits old") == 0
    assert call(KNOWN["recipes"][name]["line"] + (" old" if built_in else "") + " --run r --json") == 0
    assert_outcome(empty / "r", KNOWN["recipes"][name]["outcome"])


@pytest.mark.slow
@pytest.mark.no_cover
def test_mnist_has_the_same_weights(mnist: Path, workplace: Path, capsys: Capture) -> None:
    """One epoch of the default recipe on MNIST with --strict."""
    assert cli(["train", str(mnist), *shlex.split(KNOWN["mnist"]["options"]), "--run", "r", "--json"]) == 0
    assert_outcome(workplace / "r", KNOWN["mnist"]["outcome"])


def test_random_numbers_are_the_same() -> None:
    """Of streams and initializers."""
    assert streams() == KNOWN["streams"]
    assert initializers() == KNOWN["initializers"]


def test_synthetic_digits_are_the_same(tmp_path: Path, capsys: Capture) -> None:
    """`nn digits` writes the same bytes."""
    assert digits(tmp_path / "digits") == KNOWN["digits"]


def test_all_plugins_and_laws_exist(capsys: Capture) -> None:
    """Every plugin has its old name, contract and settings, and every law its code."""
    found = plugins(capsys)
    assert {name: found.get(name) for name in KNOWN["plugins"]} == KNOWN["plugins"]
    assert set(KNOWN["laws"]) <= set(laws(capsys))


def test_a_plugin_file_can_import_all_old_names(tmp_path: Path, capsys: Capture) -> None:
    """Every public name of version 0.1."""
    lines = [f"from {package} import {name}\n" for package, names in KNOWN["names"].items() for name in names]
    code = "\n\n@metric('of_version_0_1')\ndef score(probabilities, labels):\n    return 1.0\n"
    file = tmp_path / "all_names.py"
    command = ["plugins", "--plugin", str(file), "--json"]
    file.write_text("".join(lines) + code, encoding="utf-8")
    assert cli(command) == 0
    assert "of_version_0_1" in capsys.readouterr().out
