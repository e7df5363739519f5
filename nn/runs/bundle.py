"""A finished run as one zip that someone else can check: nn/runs/reproduce.py trains it again.

    bundle.json          format, and the SHA-256 of every other member
    config.toml record.json split.npz metrics.jsonl summary.json weights.safetensors best.safetensors
    corpus.safetensors   100 test images, their labels, and the probabilities that the run gave for them
    plugins/**/*.py      the source of the user's plugins, and of what they import from beside them

Members are stored, not compressed, sorted, and without dates: the same run gives the same bytes everywhere, and no
bundle unpacks to more than its own size.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import struct
import zipfile
from pathlib import Path

from nnlaw.nn.core.atomic_write import replace_file
from nnlaw.nn.run_folder.folder import Run, read_json
from nnlaw.spec.violation import BadInput

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
LARGEST = 2**29  # bytes of a bundle
MOST = 1000  # members
DAMAGE = (OSError, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError, struct.error, zipfile.BadZipFile)
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date that a zip can hold


def write_bundle(run: Run, output: Path | None = None) -> Path:
    """Write the bundle of a finished run to `output`, or beside the current folder's files under the run's name.

    Raises BadInput where the run is not finished, or `output` holds something else.
    """
    output = output or Path(f"{run.folder.resolve().name}.zip")
    missing = [name for name in NEEDED if not (run.folder / name).is_file()]
    if missing:
        raise BadInput(f"{run.folder}: no {missing[0]}, expected a finished run")
    names = [*NEEDED, *(name for name in OPTIONAL if (run.folder / name).is_file())]
    names += [path.relative_to(run.folder).as_posix() for path in (run.folder / "plugins").rglob("*.py")]
    try:
        content = _zipped({name: (run.folder / name).read_bytes() for name in names})
        if output.exists() and output.read_bytes() != content:
            raise BadInput(f"{output}: exists and is not this bundle, expected a new name")
        return replace_file(output, content)
    except OSError as error:
        raise BadInput(f"{output}: could not be written: {error.strerror}") from error


def _zipped(members: dict[str, bytes]) -> bytes:
    index = {"format": FORMAT, "sha256": {name: _sha256(members[name]) for name in sorted(members)}}
    members = members | {INDEX: (json.dumps(index, indent=2) + "\n").encode()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            file.writestr(entry, members[name])
    return buffer.getvalue()


def unpack_bundle(path: Path, folder: Path) -> None:
    """Write the members of a bundle into `folder`. Raises BadInput for anything that `write_bundle` did not make."""
    if not path.is_file():
        raise BadInput(f"{path}: no such file, expected a bundle made by nn bundle")
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise BadInput(f"{path}: {size:,} bytes, expected at most {LARGEST:,}")
        with zipfile.ZipFile(path) as file:
            members = {entry.filename: file.read(entry) for entry in _checked(path, file.infolist(), size)}
    except DAMAGE as error:
        raise BadInput(f"{path}: not a readable bundle: {error}") from error
    for name, content in members.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    index = read_json(folder / INDEX)
    if index.get("format") != FORMAT:
        raise BadInput(f"{path}: bundle of format {index.get('format')!r}, expected {FORMAT}")
    found = {name: _sha256(content) for name, content in members.items() if name != INDEX}
    if index.get("sha256") != found:
        raise BadInput(f"{path}: its members are not those of its {INDEX}, it was changed or damaged")


def _checked(path: Path, entries: list[zipfile.ZipInfo], size: int) -> list[zipfile.ZipInfo]:
    """The entries, when every one of them is what a bundle holds, and all together are no larger than the file."""
    names = [entry.filename for entry in entries]
    odd = [n for n in names if n not in (INDEX, *NEEDED, *OPTIONAL) and not PLUGIN.fullmatch(n)]
    if odd:
        raise BadInput(f"{path}: holds {odd[0][:80]!r}, which no bundle does")
    if len(names) != len(set(names)) or len(names) > MOST:
        raise BadInput(f"{path}: holds a member twice, or more than {MOST:,}")
    missing = sorted({INDEX, *NEEDED} - set(names))
    if missing:
        raise BadInput(f"{path}: {missing[0]} is missing, expected a bundle made by nn bundle")
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise BadInput(f"{path}: compressed, expected members that are stored as nn bundle does")
    if sum(entry.file_size for entry in entries) > size:
        raise BadInput(f"{path}: promises more than its own {size:,} bytes")
    return entries


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
