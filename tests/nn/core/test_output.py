"""Files that the user names: devices, pipes and links are written into, sources are never overwritten."""

import os
import stat
import sys
import threading
from pathlib import Path

import pytest

from nnlaw.nn.core import atomic_write
from nnlaw.nn.core.atomic_write import check_output, is_open_file, write_atomically, write_output
from nnlaw.spec.violation import BadInput

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no pipes and devices as files")


def test_a_pipe_is_written_into(tmp_path: Path) -> None:
    """The reader gets everything, also more than fits into the pipe, and the pipe stays."""
    pipe, received = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    content = b"x" * 300_000
    while True:
        try:
            write_output(pipe, content)
            break
        except BadInput as error:  # the reader has not opened it yet
            assert "nothing reads from this pipe" in str(error)
    reader.join(10)
    assert received == [content] and stat.S_ISFIFO(pipe.lstat().st_mode)


def test_a_pipe_whose_reader_stops_does_not_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command ends with a sentence."""
    monkeypatch.setattr(atomic_write, "PATIENCE", 0.1)
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(BadInput, match="its reader took nothing"):
        write_output(tmp_path / "pipe", b"x" * 300_000)
    os.close(reader)


def test_a_device_is_written_into(tmp_path: Path) -> None:
    """It stays a device, and a full one is an error."""
    null = tmp_path / "null"  # a copy of /dev/null: a failure of this test as root would replace that
    try:
        os.mknod(null, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        null.write_bytes(b"")
    except OSError:
        pytest.skip("no right to make a device")
    write_output(null, b"x")
    assert stat.S_ISCHR(null.stat().st_mode) and is_open_file(null)
    if Path("/dev/full").exists():
        with pytest.raises(BadInput, match="/dev/full: cannot be written: No space left on device"):
            write_output(Path("/dev/full"), b"x")


def test_links_are_followed(tmp_path: Path) -> None:
    """The target is written, also one that does not exist yet; a loop is refused."""
    (tmp_path / "old.csv").write_text("old")
    for name in ("old.csv", "new.csv"):
        (tmp_path / f"to-{name}").symlink_to(name)
        (tmp_path / f"twice-{name}").symlink_to(f"to-{name}")
        write_output(tmp_path / f"twice-{name}", b"x")
        assert (tmp_path / name).read_bytes() == b"x" and (tmp_path / f"twice-{name}").is_symlink()
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(BadInput, match="loop: cannot be written"):
        write_output(tmp_path / "loop", b"x")


def test_an_open_file_is_appended_to(tmp_path: Path) -> None:
    """What was written to it before stays, as for /dev/stdout in a pipeline."""
    if not Path("/dev/fd").exists():
        pytest.skip("no /dev/fd here")
    with (tmp_path / "log").open("w") as file:
        file.write("before\n")
        file.flush()
        (tmp_path / "link").symlink_to(f"/dev/fd/{file.fileno()}")
        write_output(tmp_path / "link", b"x\n")
        file.seek(0, os.SEEK_END)
        file.write("after\n")
    assert (tmp_path / "log").read_text() == "before\nx\nafter\n"


@pytest.mark.parametrize("name", ["a.py", "A.PY", "a.ipynb", "link.csv"])
def test_sources_are_never_overwritten(tmp_path: Path, name: str) -> None:
    """By their own name or behind a link; not even checked for."""
    (tmp_path / "a.py").write_text("mine")
    (tmp_path / "link.csv").symlink_to("a.py")
    for call in (check_output, lambda path: write_output(path, b"x")):
        with pytest.raises(BadInput, match="is a source file"):
            call(tmp_path / name)
    assert (tmp_path / "a.py").read_text() == "mine"


def test_a_folder_and_a_missing_folder_are_refused_before_the_work(tmp_path: Path) -> None:
    """With the reason."""
    for path, words in ((tmp_path, "Is a directory"), (tmp_path / "absent" / "a.csv", "No such file")):
        with pytest.raises(BadInput, match=words):
            check_output(path)


def test_concurrent_writers_have_their_own_temporary_files(tmp_path: Path) -> None:
    """One file is whole while another process writes it; the last one wins, and permissions stay."""
    path = tmp_path / "a.csv"
    path.write_text("old")
    path.chmod(0o640)

    def write(temporary: Path) -> None:
        write_output(path, b"other")
        temporary.write_bytes(b"mine")
        assert path.read_bytes() == b"other"

    write_atomically(path, write)
    assert path.read_bytes() == b"mine" and [each.name for each in tmp_path.iterdir()] == ["a.csv"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_file_of_ours_replaces_only_regular_files(tmp_path: Path) -> None:
    """Links, pipes and folders in its place stay."""
    (tmp_path / "link").symlink_to("elsewhere")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe"):
        with pytest.raises(OSError, match="is there, expected a regular file"):
            atomic_write.replace_file(tmp_path / name, b"x")
    assert sorted(os.listdir(tmp_path)) == ["link", "pipe"]


def test_long_names_are_written(tmp_path: Path) -> None:
    """The temporary name is not longer than the system allows."""
    write_output(tmp_path / ("n" * 251 + ".csv"), b"x")
