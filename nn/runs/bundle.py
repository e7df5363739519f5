"""Pack a finished run into one zip file, from which others can reproduce it with nn/runs/reproduce.py.

    bundle.json          format, and the SHA-256 of every other member
    config.toml record.json split.npz metrics.jsonl summary.json weights.safetensors best.safetensors
    corpus.safetensors   100 test images, their labels, and their probabilities by the run's last weights
    plugins/**/*.py      the source of the user's plugins and of the modules beside them that they import

Members are sorted, not compressed, and have no dates: the same run gives the same bytes everywhere, and a bundle never
unpacks to more than its own size.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import struct
import zipfile
from pathlib import Path

from nnlaw.nn.core.atomic_write import is_open_file, write_output
from nnlaw.nn.core.regular_file import read_regular
from nnlaw.nn.run_folder.array_files import read_arrays
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.json_files import read_json
from nnlaw.nn.run_folder.metadata import read_record, read_run_settings
from nnlaw.nn.run_folder.metrics_file import read_metrics
from nnlaw.spec.arrays import digest
from nnlaw.spec.violation import BadInput, counted

FORMAT = 1
INDEX = "bundle.json"
NEEDED = (
    "config.toml",
    "corpus.safetensors",
    "metrics.jsonl",
    "record.json",
    "split.npz",
    "summary.json",
    "weights.safetensors",
)
OPTIONAL = ("best.safetensors",)
PLUGIN = re.compile(r"plugins/(?:[0-9]+-[^/\\\x00]+|(?:\w+/)*\w+)\.py")
MAX_SIZE = 2**29  # bytes of a bundle
MAX_MEMBERS = 1000
READ_ERRORS = (
    OSError, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError, struct.error, zipfile.BadZipFile,
)  # fmt: skip
DATE = (1980, 1, 1, 0, 0, 0)  # the first date that a zip can store


def write_bundle(run: Run, output: Path | None = None) -> Path:
    """Write the bundle of a finished run to `output`, by default to RUN.zip in the current folder.

    Raises BadInput if the run is not finished, a file of it is damaged, or `output` exists with other content.
    """
    output = output or Path(f"{_name(run.folder)}.zip")
    missing = [name for name in NEEDED if not (run.folder / name).is_file()]
    if missing:
        raise BadInput(f"{run.folder} is not a finished run (no {missing[0]})")
    check_files(run)
    names = [*NEEDED, *(name for name in OPTIONAL if (run.folder / name).is_file())]
    names += [path.relative_to(run.folder).as_posix() for path in (run.folder / "plugins").rglob("*.py")]
    try:
        content = _zipped({name: read_regular(run.folder / name, MAX_SIZE) for name in names})
    except OSError as error:
        raise BadInput(f"{error.filename or run.folder}: can't be read: {error.strerror}") from error
    except UnicodeEncodeError as error:
        raise BadInput(f"{run.folder}: the name {str(error.object)[:80]!r} is not UTF-8, as zip files need") from error
    if not is_open_file(output) and output.exists() and not _has_content(output, content):
        raise BadInput(f"{output} exists already and is another file; choose another --output")
    write_output(output, content)
    return output


def check_files(run: Run) -> None:
    """Raise BadInput if a file of a finished run can't be read, or is not the one that the training wrote."""
    settings = read_run_settings(run.folder)
    read_record(run)
    read_arrays(run.folder / "corpus.safetensors")
    check_weights(run)
    rows = list(read_metrics(run))
    steps = [row["step"] for row in rows if "step" in row]
    epochs = [row.get("epoch") for row in rows if "step" not in row]
    if steps != list(range(1, len(steps) + 1)) or epochs != list(range(1, settings.epochs + 1)):
        found = f"{counted(len(steps), 'step')} and {counted(len(epochs), 'epoch')}, expected all of each epoch"
        path = run.folder / "metrics.jsonl"
        raise BadInput(f"{path}: {found}, 1 to {settings.epochs}; the file was changed or removed during the training")


def check_weights(run: Run) -> None:
    """Raise BadInput if the weights of a finished run are not those of its summary."""
    recorded = read_json(run.folder / "summary.json").get("digests")
    weights = digest(read_arrays(run.folder / "weights.safetensors"))
    if not isinstance(recorded, dict) or recorded.get("weights") != weights:
        raise BadInput(f"{run.folder}: its weights do not match the digest in summary.json")


def _name(folder: Path) -> str:
    try:
        return folder.resolve().name
    except OSError:  # the current folder was removed
        return folder.name


def _has_content(path: Path, content: bytes) -> bool:
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except OSError as error:
        raise BadInput(f"{path}: can't be read: {error.strerror}") from error


def _zipped(members: dict[str, bytes]) -> bytes:
    index = {"format": FORMAT, "sha256": {name: _sha256(members[name]) for name in sorted(members)}}
    members = members | {INDEX: (json.dumps(index, indent=2) + "\n").encode()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name, DATE)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            file.writestr(entry, members[name])
    return buffer.getvalue()


def unpack_bundle(path: Path, folder: Path) -> None:
    """Write the members of a bundle into `folder`. Raises BadInput for a file that `write_bundle` did not write."""
    if not path.is_file():
        what = "not a file" if path.exists() else "no such file"
        raise BadInput(f"{path}: {what}, expected a bundle that nn bundle wrote")
    try:
        size = path.stat().st_size
        if size > MAX_SIZE:
            raise BadInput(f"{path}: {size:,} bytes, expected at most {MAX_SIZE:,}")
        with zipfile.ZipFile(path) as file:
            members = {entry.filename: file.read(entry) for entry in _checked(path, file.infolist(), size)}
    except READ_ERRORS as error:
        raise BadInput(f"{path}: not a readable bundle: {error}") from error
    try:
        for name, content in members.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
    except OSError as error:
        raise BadInput(f"{path}: {name[:80]!r} can't be unpacked: {error.strerror}") from error
    index = read_json(folder / INDEX)
    if index.get("format") != FORMAT:
        raise BadInput(f"{path}: bundle of format {index.get('format')!r}, expected {FORMAT}")
    found = {name: _sha256(content) for name, content in members.items() if name != INDEX}
    if index.get("sha256") != found:
        raise BadInput(f"{path}: changed or damaged: its members do not match its {INDEX}")


def _checked(path: Path, entries: list[zipfile.ZipInfo], size: int) -> list[zipfile.ZipInfo]:
    """The entries, if each of them belongs to a bundle, and together they are not larger than the file."""
    names = [entry.filename for entry in entries]
    unknown = [n for n in names if n not in (INDEX, *NEEDED, *OPTIONAL) and not PLUGIN.fullmatch(n)]
    if unknown:
        raise BadInput(f"{path}: not a bundle: unknown member {unknown[0][:80]!r}")
    if len(names) != len(set(names)) or len(names) > MAX_MEMBERS:
        raise BadInput(f"{path}: not a bundle: a member occurs twice, or there are more than {MAX_MEMBERS:,}")
    missing = sorted({INDEX, *NEEDED} - set(names))
    if missing:
        raise BadInput(f"{path}: not a bundle: {missing[0]} is missing")
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise BadInput(f"{path}: not a bundle: its members are compressed")
    if sum(entry.file_size for entry in entries) > size:
        raise BadInput(f"{path}: not a bundle: its members are larger than its {size:,} bytes")
    return entries


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
