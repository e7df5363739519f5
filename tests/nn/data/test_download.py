"""nn/data/download/: nn fetch with mirrors that stall, truncate, corrupt, refuse and send too much."""

import gzip
import hashlib
import os
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from nnlaw.cli.main import run
from nnlaw.nn.data.dataset_info import DESCRIPTION_FILE, FASHION, MNIST
from nnlaw.nn.data.download import download as downloading
from nnlaw.nn.data.download.checksum import CHUNK, has_checksum
from nnlaw.nn.data.download.download import LOCK, download
from nnlaw.nn.data.download.mirrors import DATASETS, RemoteDataset, RemoteFile
from nnlaw.nn.data.load import load_folder
from nnlaw.spec.violation import BadInput

LABELS = "train-labels-idx1-ubyte.gz"
Behavior = Callable[[BaseHTTPRequestHandler, bytes], None]


@dataclass
class Mirror:
    """A server on this machine; `first` are its responses to the first requests, later ones are good or `always`."""

    files: dict[str, bytes]
    first: list[Behavior] = field(default_factory=list)
    always: Behavior | None = None
    requested: list[str] = field(default_factory=list)  # names of files
    url: str = ""

    def respond(self, handler: BaseHTTPRequestHandler) -> None:
        name = handler.path.rpartition("/")[2]
        self.requested.append(name)
        behavior = self.first.pop(0) if self.first else self.always or good
        behavior(handler, self.files[name])


def send(handler: BaseHTTPRequestHandler, body: bytes, length: int | None = None, code: int = 200, **more: str) -> None:
    """A response; `length` is the stated length of the body, negative to state nothing."""
    handler.send_response(code)
    if length is None or length >= 0:
        handler.send_header("Content-Length", str(len(body) if length is None else length))
    for name, value in more.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def good(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """The file."""
    send(handler, body)


def half(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """Half of the stated length, then the connection is closed."""
    send(handler, body[: len(body) // 2], len(body))


def another_file(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """Another gzip."""
    send(handler, gzip.compress(bytes(100)))


def web_page(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """A page instead of a file."""
    send(handler, b"<html>Please log in</html>" * 10_000)


def missing(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    send(handler, b"", code=404)


def server_error(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    send(handler, b"", code=500)


def not_http(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    handler.wfile.write(b"\x00\x01\x02 what?\r\n\r\n")


def stalled(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """A few bytes, then silence."""
    send(handler, body[:10], len(body))
    handler.wfile.flush()
    time.sleep(1)


def endless(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """Empty blocks of a gzip without end."""
    send(handler, gzip.compress(b"")[:10], -1)
    while True:
        handler.wfile.write(b"\x00\x00\x00\xff\xff" * 10_000)


def bomb(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """A gzip of 2 kilobytes that unpacks to two million bytes."""
    send(handler, gzip.compress(bytes(2_000_000)))


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Mirror]]:
    """A function that starts a mirror; the timeout is short."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(downloading, "TIMEOUT", 0.3)
    servers = []

    def start(files: dict[str, bytes], *first: Behavior, always: Behavior | None = None) -> Mirror:
        mirror = Mirror(files, list(first), always)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                try:
                    mirror.respond(self)
                except OSError:
                    self.close_connection = True  # the client has closed the connection

            def log_message(self, *words: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        mirror.url = f"http://127.0.0.1:{server.server_address[1]}/data"
        return mirror

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def files(tiny_folder: Path) -> dict[str, bytes]:
    """The four files of a small data set, gzipped."""
    return {f"{path.name}.gz": gzip.compress(path.read_bytes(), 1, mtime=0) for path in tiny_folder.iterdir()}


@pytest.fixture
def known(files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> dict[str, RemoteFile]:
    """The small data set in place of MNIST, and, with the digests of its gzips, of Fashion-MNIST."""
    found = {}
    for name, info, packed in (("fashion-mnist", FASHION, True), ("mnist", MNIST, False)):
        rows = []
        for file in DATASETS[name].files:
            content = files[file.name]
            unpacked = gzip.decompress(content)
            digest = hashlib.sha256(content if packed else unpacked).hexdigest()
            rows.append(RemoteFile(file.name, len(unpacked), digest, packed))
        monkeypatch.setitem(DATASETS, name, RemoteDataset(info, ("http://127.0.0.1:9/",), tuple(rows)))
        found = {row.name: row for row in rows}
    return found


def names(folder: Path) -> set[str]:
    """Names of the files in a folder."""
    return {path.name for path in folder.iterdir()}


def refusal(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    """The message of `nn fetch`, which ends with exit code 2."""
    assert run(["fetch", *args]) == 2
    message, *usage = capsys.readouterr().err.strip().splitlines()
    assert not usage or (len(usage) == 1 and usage[0].startswith("Usage"))
    return message


# The whole command


@pytest.mark.usefixtures("known")
def test_a_data_set_is_downloaded_verified_and_read(
    serve: Callable[..., Mirror], files: dict[str, bytes], workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`nn train` names the command, which downloads four files; a second call requests nothing."""
    mirror = serve(files)
    assert run(["train", "mnist/"]) == 2
    assert "nn fetch mnist/" in capsys.readouterr().err
    assert run(["fetch", "mnist/", "--mirror", mirror.url]) == 0
    printed = capsys.readouterr()
    assert f"  {LABELS}: {len(files[LABELS])} bytes from 127.0.0.1" in printed.out and "nn train mnist/" in printed.out
    assert "\x1b" not in printed.out and not printed.err
    assert names(workplace / "mnist") == set(files) and len(mirror.requested) == 4
    assert run(["fetch", "mnist/", "--mirror", mirror.url]) == 0
    assert capsys.readouterr().out.count("already there") == 4 and len(mirror.requested) == 4
    (workplace / "mnist" / LABELS).unlink()
    assert run(["train", "mnist/"]) == 2
    assert "download missing files with: nn fetch mnist/" in capsys.readouterr().err
    assert run(["fetch", "mnist/", "--mirror", mirror.url]) == 0
    assert mirror.requested[4:] == [LABELS]
    assert load_folder(workplace / "mnist").train_images.shape == (600, 28, 28)


@pytest.mark.usefixtures("known")
def test_another_data_set_gets_a_description(
    serve: Callable[..., Mirror], files: dict[str, bytes], workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """dataset.toml has the classes of the data set, and a second call continues with the same data set."""
    mirror = serve(files, good, missing, missing)
    assert "HTTP 404" in refusal(capsys, "f", "--dataset", "fashion-mnist", "--mirror", mirror.url)
    assert run(["fetch", "f", "--mirror", mirror.url]) == 0
    assert "Downloading Fashion-MNIST" in capsys.readouterr().out
    data = load_folder(workplace / "f")
    assert data.name == "Fashion-MNIST" and data.classes[9] == "Ankle boot"
    assert "describes Fashion-MNIST, expected MNIST" in refusal(capsys, "f", "--dataset", "mnist")
    (workplace / "f" / DESCRIPTION_FILE).write_text('name = "Mine"')
    assert "describes Mine, expected MNIST or" in refusal(capsys, "f")


@pytest.mark.usefixtures("known")
def test_another_file_is_never_overwritten(
    serve: Callable[..., Mirror], files: dict[str, bytes], workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A user's file with a name of the data set, in any spelling, is kept and named in the message."""
    mirror = serve(files)
    for name in ("train-labels.idx1-ubyte", LABELS, "SYNTHETIC.txt"):
        folder = workplace / name
        folder.mkdir()
        (folder / name).write_text("mine")
        assert f"{name}: is not the file of MNIST" in refusal(capsys, name, "--mirror", mirror.url)
        assert (folder / name).read_text() == "mine" and names(folder) == {name}
    (workplace / "folder").mkdir()
    (workplace / "folder" / LABELS).mkdir()
    assert "is not the file of MNIST" in refusal(capsys, "folder", "--mirror", mirror.url)
    assert not mirror.requested


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--dataset", "mnits"], "choose from mnist, fashion-mnist"),
        (["--mirror", "ftp://host/"], "begins with http:// or https://"),
        (["--mirror", "http://"], "begins with http:// or https://"),
        (["--mirror", "http://[1"], "begins with http:// or https://"),
        (["--mirror", "http://127.0.0.1:x/"], "could not download it"),
        (["--mirror", "http://127.0.0.1/a b"], "could not download it"),
    ],
)
def test_a_wrong_argument_is_refused(
    workplace: Path, capsys: pytest.CaptureFixture[str], args: list[str], words: str
) -> None:
    """An unknown data set and an invalid URL are refused in one line."""
    assert words in refusal(capsys, "m", *args)


@pytest.mark.usefixtures("known")
def test_without_a_network_the_message_shows_what_to_do(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """If no mirror responds, the message names all of them and three solutions, with exit code 2."""
    words = refusal(capsys, "m", "--mirror", "http://127.0.0.1:9/a", "--mirror", "http://nowhere.invalid")
    assert "127.0.0.1:9: Connection refused; nowhere.invalid: " in words
    assert all(way in words for way in ("no network?", "Run again", "--mirror URL", "copy the files"))
    assert names(workplace / "m") == set()


@pytest.mark.usefixtures("known")
def test_an_unwritable_folder_is_refused(
    serve: Callable[..., Mirror], files: dict[str, bytes], workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file in place of the folder, a folder in place of a file, and a locked folder are refused."""
    mirror = serve(files)
    (workplace / "taken").write_text("")
    assert "taken: cannot be written" in refusal(capsys, "taken", "--mirror", mirror.url)
    part = workplace / "m" / ".train-images-idx3-ubyte.gz.part"
    part.mkdir(parents=True)
    assert "cannot be written" in refusal(capsys, "m", "--mirror", mirror.url)
    part.rmdir()
    with FileLock(workplace / "m" / LOCK):
        assert "another process" in refusal(capsys, "m", "--mirror", mirror.url)


@pytest.mark.usefixtures("known")
def test_an_interruption_and_an_unreadable_file(
    workplace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C prints the command that continues; an existing file that cannot be read is named."""

    def interrupted(*args: object) -> str:
        raise KeyboardInterrupt

    def unreadable(*args: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("nnlaw.cli.fetch.download", interrupted)
    assert run(["fetch", "my data"]) == 130
    assert "interrupted; continue with: nn fetch 'my data/'" in capsys.readouterr().err
    (workplace / "my data" / LABELS).write_text("")
    monkeypatch.setattr("nnlaw.nn.data.download.download.has_checksum", unreadable)
    assert f"{LABELS}: cannot be read: Permission denied" in refusal(capsys, "my data")


# One file


def fetched(folder: Path, file: RemoteFile, *mirrors: Mirror) -> Path:
    """The downloaded file, which is correct and the only one in the folder."""
    download(file, tuple(mirror.url for mirror in mirrors), folder)
    assert has_checksum(folder / file.name, file) and names(folder) == {file.name}
    return folder / file.name


@dataclass
class Calls:
    """Records what is reported as progress."""

    rows: list[tuple[int, int]] = field(default_factory=list)

    def __call__(self, done: int, total: int) -> None:
        self.rows.append((done, total))


def test_progress_is_reported(
    serve: Callable[..., Mirror], files: dict[str, bytes], known: dict[str, RemoteFile], tmp_path: Path
) -> None:
    """The number of bytes grows to the length of the file."""
    calls = Calls()
    download(known[LABELS], (serve(files).url,), tmp_path, calls)
    length = len(files[LABELS])
    assert calls.rows[-1] == (length, length) and (tmp_path / LABELS).read_bytes() == files[LABELS]


def test_an_interrupted_transfer_is_repeated(
    serve: Callable[..., Mirror], files: dict[str, bytes], known: dict[str, RemoteFile], tmp_path: Path
) -> None:
    """A mirror that closes the connection too early is tried a second time."""
    mirror = serve(files, half)
    fetched(tmp_path, known[LABELS], mirror)
    assert mirror.requested == [LABELS, LABELS]


def test_leftovers_of_an_earlier_call_are_replaced(
    serve: Callable[..., Mirror], files: dict[str, bytes], known: dict[str, RemoteFile], tmp_path: Path
) -> None:
    """A partial file is removed; a link in its place is removed, not followed."""
    part = tmp_path / f".{LABELS}.part"
    part.write_bytes(b"\x1f\x8b" + bytes(60))
    fetched(tmp_path, known[LABELS], serve(files)).unlink()
    other = tmp_path.parent / "other"
    other.write_text("mine")
    part.symlink_to(other)
    fetched(tmp_path, known[LABELS], serve(files))
    assert other.read_text() == "mine"


BAD = {
    "another file": (another_file, "sent another file"),
    "a page": (web_page, "sent more than"),
    "missing": (missing, "HTTP 404"),
    "server error": (server_error, "HTTP 500"),
    "not HTTP": (not_http, ""),
    "stalled": (stalled, "timed out"),
    "endless": (endless, "sent more than"),
    "bomb": (bomb, "sent another file"),
    "nothing": (lambda handler, body: send(handler, b""), "sent another file"),
    "always half": (half, "IncompleteRead"),
    "truncated": (lambda handler, body: send(handler, body[:99]), "sent another file"),
}


@pytest.mark.parametrize("fault", BAD)
def test_the_next_mirror_replaces_a_bad_one(
    serve: Callable[..., Mirror], files: dict[str, bytes], known: dict[str, RemoteFile], tmp_path: Path, fault: str
) -> None:
    """A bad mirror alone is refused with a reason, and leaves no file; beside a good one it does no harm."""
    behavior, words = BAD[fault]
    bad = serve(files, always=behavior)
    with pytest.raises(BadInput) as caught:
        download(known[LABELS], (bad.url,), tmp_path)
    sentence = str(caught.value)
    assert f"127.0.0.1:{bad.url.split(':')[2].split('/')[0]}: " in sentence and words in sentence
    assert "\n" not in sentence and not list(tmp_path.iterdir()) and len(bad.requested) == 2
    fetched(tmp_path, known[LABELS], bad, serve(files))


def test_a_slow_mirror_is_not_abandoned(
    serve: Callable[..., Mirror], files: dict[str, bytes], known: dict[str, RemoteFile], tmp_path: Path
) -> None:
    """The timeout counts from the last byte, not from the request."""

    def slow(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        send(handler, b"", len(body))
        for start in range(0, len(body), len(body) // 4):
            handler.wfile.write(body[start : start + len(body) // 4])
            handler.wfile.flush()
            time.sleep(0.2)

    mirror = serve(files, slow)
    fetched(tmp_path, known["train-images-idx3-ubyte.gz"], mirror)
    assert len(mirror.requested) == 1


def test_a_redirection_is_followed(
    serve: Callable[..., Mirror], files: dict[str, bytes], known: dict[str, RemoteFile], tmp_path: Path
) -> None:
    """A mirror may redirect to another one."""
    target = serve(files)

    def moved(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        send(handler, b"", code=302, Location=f"{target.url}/{LABELS}")

    fetched(tmp_path, known[LABELS], serve(files, always=moved))
    assert len(target.requested) == 1


@pytest.mark.slow
def test_pooch_is_imported_only_for_a_download() -> None:
    """The command and its help work without pooch and requests."""
    code = "import sys, nnlaw.cli.fetch; print('pooch' in sys.modules, 'requests' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


# Checksums


CONTENT = bytes(range(256)) * 40
GZIPPED = gzip.compress(CONTENT, mtime=0)


@pytest.mark.parametrize(("whole", "packed"), [(CONTENT, False), (GZIPPED, False), (GZIPPED, True)])
def test_a_file_is_verified_by_its_bytes(tmp_path: Path, whole: bytes, packed: bool) -> None:
    """The whole file is correct, gzipped or not; a truncated or a longer one is not."""
    digest = hashlib.sha256(GZIPPED if packed else CONTENT).hexdigest()
    expected, path = RemoteFile("x", len(CONTENT), digest, packed), tmp_path / "x"
    path.write_bytes(whole)
    assert has_checksum(path, expected)
    for trailing in (1, CHUNK):
        path.write_bytes(whole + bytes(trailing))
        assert not has_checksum(path, expected)
    for length in (0, 1, 2, 9, len(whole) // 2, len(whole) - 9, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert not has_checksum(path, expected), length


@pytest.mark.slow
def test_bytes_after_the_gzip_are_refused(tmp_path: Path) -> None:
    """Also if they begin exactly at the next chunk."""
    noise = np.random.default_rng(0).bytes(2 * CHUNK)  # incompressible, so that its gzip is longer than a chunk
    for size in range(CHUNK - 200, CHUNK):
        whole = gzip.compress(noise[:size], 1, mtime=0)
        if len(whole) == CHUNK:
            break
    assert len(whole) == CHUNK
    expected = RemoteFile("x", size, hashlib.sha256(noise[:size]).hexdigest())
    (tmp_path / "x").write_bytes(whole)
    assert has_checksum(tmp_path / "x", expected)
    (tmp_path / "x").write_bytes(whole + b"x")
    assert not has_checksum(tmp_path / "x", expected)


@given(index=st.integers(0, len(GZIPPED) - 1), change=st.integers(1, 255))
def test_a_changed_byte_is_detected(tmp_path_factory: pytest.TempPathFactory, index: int, change: int) -> None:
    """A changed byte changes the SHA-256 of the file, and that of the unpacked bytes unless they are the same."""
    path = tmp_path_factory.mktemp("x") / "x"
    changed = bytearray(GZIPPED)
    changed[index] ^= change
    path.write_bytes(changed)
    assert not has_checksum(path, RemoteFile("x", len(CONTENT), hashlib.sha256(GZIPPED).hexdigest(), True))
    if has_checksum(path, RemoteFile("x", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())):
        assert gzip.decompress(changed) == CONTENT


def test_the_real_files_are_correct(mnist: Path) -> None:
    """All four files of the real MNIST have the SHA-256 in the table."""
    for expected in DATASETS["mnist"].files:
        assert has_checksum(mnist / expected.name, expected)
        assert os.path.getsize(mnist / expected.name) <= expected.max_bytes


def test_a_bomb_is_refused_in_little_memory(tmp_path: Path) -> None:
    """Unpacking a gzip of 100 MB stops at the expected size."""
    (tmp_path / "x").write_bytes(gzip.compress(bytes(100_000_000), 1))
    tracemalloc.start()
    assert not has_checksum(tmp_path / "x", RemoteFile("x", 1_000_000, ""))
    assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    tracemalloc.stop()
