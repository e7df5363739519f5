"""nn/grade/unpack.py: zip files made to do harm."""

import contextlib
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from nnlaw.nn.grade import unpack as module
from nnlaw.nn.grade.unpack import unpack
from nnlaw.spec.violation import BadInput


def archive(folder: Path, *rows: tuple[str, bytes]) -> Path:
    """A zip file with these entries."""
    file = folder / "ann.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in rows:
            opened.writestr(name, content)
    return file


def test_files_are_unpacked_into_the_folder(tmp_path: Path) -> None:
    """Folders inside stay, and separators of Windows are read."""
    file = archive(tmp_path, ("hw/net.py", b"x = 1\n"), ("hw\\b.py", b"y = 2\n"), ("__MACOSX/hw/._net.py", b""))
    assert unpack(file, tmp_path / "out") == []
    names = {each.relative_to(tmp_path / "out").as_posix() for each in (tmp_path / "out").rglob("*.py")}
    assert names == {"hw/net.py", "hw/b.py"}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/tmp/nnlaw_evil.py", "a path out of its folder"),
        ("../../evil.py", "a path out of its folder"),
        ("a/../../evil.py", "a path out of its folder"),
        ("C:\\evil.py", "a path out of its folder"),
        ("..\\evil.py", "a path out of its folder"),
        ("more.zip", "a zip file in a zip file"),
        ("a\x1b[2J.py", "an unusable name"),
        ("n" * 250 + ".py", "an unusable name"),
        ("d/" * 30 + "x.py", "an unusable name"),
    ],
)
def test_what_could_do_harm_is_left_out(tmp_path: Path, name: str, reason: str) -> None:
    """The rest is unpacked, and nothing is written outside of the folder."""
    place = tmp_path / "deep" / "out"
    (refused,) = unpack(archive(tmp_path, (name, b"x"), ("good.py", b"y")), place)
    assert refused.endswith(f": {reason}")
    assert [each.name for each in tmp_path.rglob("*") if each.is_file()] == ["ann.zip", "good.py"]
    assert not Path("/tmp/nnlaw_evil.py").exists()


def test_links_are_left_out(tmp_path: Path) -> None:
    """A link to a file outside is not made."""
    row = zipfile.ZipInfo("link.py")
    row.create_system, row.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "ann.zip", "w") as opened:
        opened.writestr(row, "/etc/passwd")
    assert unpack(tmp_path / "ann.zip", tmp_path / "out") == ["link.py: a link"]


def test_a_zip_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit counts what is written, all files together, and the folder is removed."""
    monkeypatch.setattr(module, "MAX_BYTES", 3 * 2**20)
    bomb = archive(tmp_path, *((f"{i}.py", bytes(2**20)) for i in range(5)))
    with pytest.raises(BadInput, match="more than 3 MiB"):
        unpack(bomb, tmp_path / "out")
    assert not (tmp_path / "out").exists() and bomb.stat().st_size < 20_000


def test_a_size_in_the_header_that_is_too_small_does_not_help(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes are counted, not read from the header."""
    monkeypatch.setattr(module, "MAX_BYTES", 2**20)
    file = archive(tmp_path, ("a.py", bytes(4 * 2**20)))
    content = file.read_bytes().replace(struct.pack("<I", 4 * 2**20), struct.pack("<I", 10))
    file.write_bytes(content)
    with contextlib.suppress(BadInput):
        unpack(file, tmp_path / "out")
    assert sum(each.stat().st_size for each in tmp_path.rglob("*.py")) <= 2**20


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number is in the message."""
    monkeypatch.setattr(module, "MAX_FILES", 3)
    with pytest.raises(BadInput, match="4 files, expected 3"):
        unpack(archive(tmp_path, *((f"{i}.py", b"") for i in range(4))), tmp_path / "out")


@pytest.mark.parametrize("content", [b"", b"not a zip file", b"PK\x03\x04" + bytes(100)])
def test_a_damaged_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    """The message names the file."""
    (tmp_path / "ann.zip").write_bytes(content)
    with pytest.raises(BadInput, match=r"ann\.zip"):
        unpack(tmp_path / "ann.zip", tmp_path / "out")


def test_every_damage_is_refused_or_unpacked(tmp_path: Path) -> None:
    """No byte of an archive can be changed so that another exception is raised."""
    content = bytearray(archive(tmp_path, ("net.py", b"x = 1\n" * 40)).read_bytes())
    for i in range(0, len(content), 3):
        damaged = bytearray(content)
        damaged[i] ^= 0xFF
        (tmp_path / "b.zip").write_bytes(damaged)
        try:
            unpack(tmp_path / "b.zip", tmp_path / f"out{i}")
        except BadInput:
            assert not (tmp_path / f"out{i}").exists()


def test_a_file_and_a_folder_of_one_name(tmp_path: Path) -> None:
    """The second is left out."""
    refused = unpack(archive(tmp_path, ("a", b""), ("a/b.py", b"")), tmp_path / "out")
    assert refused == ["a/b.py: a file and a folder of the same name"]
