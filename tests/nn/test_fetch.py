"""nn fetch against servers that stall, cut short, spoil, refuse, ignore ranges and send too much."""

import gzip
import hashlib
import os
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from nnlaw.cli.main import run
from nnlaw.nn.data.dataset import load_folder
from nnlaw.nn.data.dataset_info import DESCRIPTION, FASHION, MNIST
from nnlaw.nn.data.download import download as downloading
from nnlaw.nn.data.download.checksum import CHUNK, RIGHT, SHORT, WRONG, verdict
from nnlaw.nn.data.download.download import download
from nnlaw.nn.data.download.fetch import LOCK
from nnlaw.nn.data.download.mirrors import SOURCES, Source, Wanted
from nnlaw.spec.violation import BadInput

LABELS = "train-labels-idx1-ubyte.gz"
Behavior = Callable[[BaseHTTPRequestHandler, bytes], None]


@dataclass
class Mirror:
    """A server on this machine; `habits` are how it treats its first requests, after which it is a good one."""

    files: dict[str, bytes]
    habits: list[Behavior] = field(default_factory=list)
    always: Behavior | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)  # names and ranges
    url: str = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        name = handler.path.rpartition("/")[2]
        self.asked.append((name, handler.headers.get("Range", "")))
        behavior = self.habits.pop(0) if self.habits else self.always or good
        behavior(handler, self.files[name])


def send(handler: BaseHTTPRequestHandler, body: bytes, length: int | None = None, code: int = 200, **more: str) -> None:
    """An answer; `length` may be another than that of the body, or negative for none."""
    handler.send_response(code)
    if length is None or length >= 0:
        handler.send_header("Content-Length", str(len(body) if length is None else length))
    for name, value in more.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def good(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """As a server should, ranges included."""
    asked = handler.headers.get("Range")
    start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
    if not asked:
        send(handler, body)
    elif start >= len(body):
        send(handler, b"", code=416)
    else:
        send(handler, body[start:], code=206, Content_Range=f"bytes {start}-{len(body) - 1}/{len(body)}")


def half(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """Promise all, send half of it, hang up."""
    send(handler, body[: len(body) // 2], len(body))


def no_ranges(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """Send all from the beginning, whatever was asked for."""
    send(handler, body)


def wrong_range(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """Send another range than was asked for."""
    send(handler, body[1:], code=206, Content_Range=f"bytes 1-{len(body) - 1}/{len(body)}")


def spoilt(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """Another file of the same length."""
    send(handler, gzip.compress(bytes(100)))


def noise(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """A page instead of a file."""
    send(handler, b"<html>Please log in</html>" * 10_000)


def missing(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    send(handler, b"", code=404)


def broken(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    send(handler, b"", code=500)


def garbled(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """No HTTP at all."""
    handler.wfile.write(b"\x00\x01\x02 what?\r\n\r\n")


def stalled(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """Send a bit, then nothing."""
    send(handler, body[:10], len(body))
    handler.wfile.flush()
    time.sleep(1)


def trickling(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """A byte now and then."""
    send(handler, b"", len(body))
    for i in range(20):
        handler.wfile.write(body[i : i + 1])
        handler.wfile.flush()
        time.sleep(0.05)


def trickling_headers(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """Headers that never end, a line now and then."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for i in range(20):
        handler.wfile.write(b"X-%d: y\r\n" % i)
        handler.wfile.flush()
        time.sleep(0.05)


def endless(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """Empty blocks of a gzip, for as long as anyone listens."""
    send(handler, gzip.compress(b"")[:10], -1)
    while True:
        handler.wfile.write(b"\x00\x00\x00\xff\xff" * 10_000)


def bomb(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """A gzip of 2 kilobytes that holds two million bytes."""
    send(handler, gzip.compress(bytes(2_000_000)))


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Mirror]]:
    """A way to start a mirror; waiting is short."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(downloading, "PATIENCE", 0.3)
    servers = []

    def start(files: dict[str, bytes], *habits: Behavior, always: Behavior | None = None) -> Mirror:
        mirror = Mirror(files, list(habits), always)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                try:
                    mirror.answer(self)
                except OSError:
                    self.close_connection = True  # nobody listens any more

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
def known(files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> dict[str, Wanted]:
    """The small data set in the place of MNIST, and, known by its packed bytes, in that of Fashion-MNIST."""
    found = {}
    for name, kind, packed in (("fashion-mnist", FASHION, True), ("mnist", MNIST, False)):
        rows = []
        for wanted in SOURCES[name].files:
            content = files[wanted.name]
            unpacked = gzip.decompress(content)
            digest = hashlib.sha256(content if packed else unpacked).hexdigest()
            rows.append(Wanted(wanted.name, len(unpacked), digest, packed))
        monkeypatch.setitem(SOURCES, name, Source(kind, ("http://127.0.0.1:9/",), tuple(rows)))
        found = {row.name: row for row in rows}
    return found


def names(folder: Path) -> set[str]:
    """What lies in a folder, and no lock is left in it."""
    return {path.name for path in folder.iterdir()}


def refusal(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    """The one sentence with which `nn fetch` ends, exit code 2."""
    assert run(["fetch", *args]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 or lines[0].startswith("Usage")
    return lines[-1]


# The whole command


@pytest.mark.usefixtures("known")
def test_a_data_set_is_fetched_verified_and_read(
    serve: Callable[..., Mirror], files: dict[str, bytes], workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`nn train` names the command, which brings four files in plain lines; a second call asks for nothing."""
    mirror = serve(files)
    assert run(["train", "mnist/"]) == 2
    assert "nn fetch mnist/" in capsys.readouterr().err
    assert run(["fetch", "mnist/", "--mirror", mirror.url]) == 0
    told = capsys.readouterr()
    assert f"  {LABELS}: {len(files[LABELS])} bytes from 127.0.0.1" in told.out and "nn train mnist/" in told.out
    assert "\x1b" not in told.out and not told.err
    assert names(workplace / "mnist") == set(files) and len(mirror.asked) == 4
    assert run(["fetch", "mnist/", "--mirror", mirror.url]) == 0
    assert capsys.readouterr().out.count("there already") == 4 and len(mirror.asked) == 4
    (workplace / "mnist" / LABELS).unlink()
    assert run(["train", "mnist/"]) == 2
    assert "fetch what is missing with: nn fetch mnist/" in capsys.readouterr().err
    assert run(["fetch", "mnist/", "--mirror", mirror.url]) == 0
    assert [name for name, _ in mirror.asked[4:]] == [LABELS]
    assert load_folder(workplace / "mnist").train_images.shape == (600, 28, 28)


@pytest.mark.usefixtures("known")
def test_another_data_set_is_described_beside_its_files(
    serve: Callable[..., Mirror], files: dict[str, bytes], workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder knows what was fetched into it: its classes are named, and fetching goes on with the same data set."""
    mirror = serve(files, good, missing)
    assert "answers 404" in refusal(capsys, "f", "--dataset", "fashion-mnist", "--mirror", mirror.url)
    assert run(["fetch", "f", "--mirror", mirror.url]) == 0
    assert "Fetching Fashion-MNIST" in capsys.readouterr().out
    data = load_folder(workplace / "f")
    assert data.name == "Fashion-MNIST" and data.classes[9] == "Ankle boot"
    assert "describes Fashion-MNIST, expected MNIST" in refusal(capsys, "f", "--dataset", "mnist")
    (workplace / "f" / DESCRIPTION).write_text('name = "Mine"')
    assert "describes Mine, expected MNIST or" in refusal(capsys, "f")


@pytest.mark.usefixtures("known")
def test_another_file_is_never_written_over(
    serve: Callable[..., Mirror], files: dict[str, bytes], workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file of one's own under a name of the data set, in any spelling, stays, and is named."""
    mirror = serve(files)
    for name in ("train-labels.idx1-ubyte", LABELS, "SYNTHETIC.txt"):
        folder = workplace / name
        folder.mkdir()
        (folder / name).write_text("mine")
        assert f"{name}: is not the file of MNIST" in refusal(capsys, name, "--mirror", mirror.url)
        assert (folder / name).read_text() == "mine" and names(folder) == {name}
    (workplace / "held").mkdir()
    (workplace / "held" / LABELS).mkdir()
    assert "is not the file of MNIST" in refusal(capsys, "held", "--mirror", mirror.url)
    assert not mirror.asked


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--dataset", "mnits"], "expected one of mnist, fashion-mnist"),
        (["--mirror", "ftp://host/"], "begins with http:// or https://"),
        (["--mirror", "http://"], "begins with http:// or https://"),
        (["--mirror", "http://[1"], "begins with http:// or https://"),
        (["--mirror", "http://127.0.0.1:x/"], "no mirror gave it"),
        (["--mirror", "http://127.0.0.1/a b"], "no mirror gave it"),
    ],
)
def test_a_wrong_word_is_one_sentence(
    workplace: Path, capsys: pytest.CaptureFixture[str], args: list[str], words: str
) -> None:
    """An unknown data set and an address that is none are told as such."""
    assert words in refusal(capsys, "m", *args)


@pytest.mark.usefixtures("known")
def test_without_a_network_a_sentence_says_what_to_do(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nobody answers, all mirrors are named and three ways out, exit code 2."""
    words = refusal(capsys, "m", "--mirror", "http://127.0.0.1:9/a", "--mirror", "http://nowhere.invalid")
    assert "127.0.0.1:9: Connection refused; nowhere.invalid: " in words
    assert all(way in words for way in ("fetch again where there is a network", "--mirror URL", "copy them"))
    assert names(workplace / "m") == set()


@pytest.mark.usefixtures("known")
def test_what_cannot_be_written_is_one_sentence(
    serve: Callable[..., Mirror], files: dict[str, bytes], workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file for a folder, a folder for a file, and a folder that another process fills are told."""
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
def test_an_interruption_and_an_unreadable_file_are_told(
    workplace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C ends in the command that goes on; a file that is there and cannot be read is named."""

    def interrupted(*args: object) -> str:
        raise KeyboardInterrupt

    def unreadable(*args: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(downloading, "download", interrupted)
    assert run(["fetch", "my data"]) == 130
    assert "interrupted; go on with: nn fetch 'my data/'" in capsys.readouterr().err
    (workplace / "my data" / LABELS).write_text("")
    monkeypatch.setattr("nnlaw.nn.data.download.fetch.outcome", unreadable)
    assert f"{LABELS}: cannot be read: Permission denied" in refusal(capsys, "my data")


# One file


def fetched(folder: Path, wanted: Wanted, *mirrors: Mirror) -> Path:
    """The file, fetched and right, with nothing left beside it."""
    download(wanted, tuple(mirror.url for mirror in mirrors), folder)
    assert verdict(folder / wanted.name, wanted) == RIGHT and names(folder) == {wanted.name}
    return folder / wanted.name


def begun(folder: Path, content: bytes) -> None:
    """What an earlier try left of a file."""
    (folder / f".{LABELS}.part").write_bytes(content)


def test_a_broken_transfer_goes_on_where_it_broke(
    serve: Callable[..., Mirror], files: dict[str, bytes], known: dict[str, Wanted], tmp_path: Path
) -> None:
    """The rest alone is asked for, and who listens hears how far it is."""
    mirror, content = serve(files, half), files[LABELS]
    heard: list[tuple[int, int]] = []
    download(known[LABELS], (mirror.url,), tmp_path, lambda done, total: heard.append((done, total)))
    assert mirror.asked == [(LABELS, ""), (LABELS, f"bytes={len(content) // 2}-")]
    assert heard[-1] == (len(content), len(content)) and (tmp_path / LABELS).read_bytes() == content


def test_what_an_earlier_call_left_is_gone_on_with(
    serve: Callable[..., Mirror], files: dict[str, bytes], known: dict[str, Wanted], tmp_path: Path
) -> None:
    """Half a file from a call that was interrupted is not fetched again."""
    mirror = serve(files)
    begun(tmp_path, files[LABELS][:100])
    fetched(tmp_path, known[LABELS], mirror)
    assert mirror.asked == [(LABELS, "bytes=100-")]


@pytest.mark.parametrize("second", [no_ranges, wrong_range])
def test_a_mirror_without_ranges_begins_anew(
    serve: Callable[..., Mirror], files: dict[str, bytes], known: dict[str, Wanted], tmp_path: Path, second: Behavior
) -> None:
    """Sent from the beginning it is taken from the beginning; a range that was not asked for is not taken."""
    fetched(tmp_path, known[LABELS], serve(files, half, second), serve(files))


@pytest.mark.parametrize("rest", [b"\0" * 50, b"\x1f\x8b" + bytes(60), b"", b"\0" * 5000])
def test_a_part_of_another_file_is_thrown_away(
    serve: Callable[..., Mirror], files: dict[str, bytes], known: dict[str, Wanted], tmp_path: Path, rest: bytes
) -> None:
    """Whatever an earlier call left, shorter or longer than the file, the file that is named at the end is right."""
    begun(tmp_path, rest)
    fetched(tmp_path, known[LABELS], serve(files))


BAD = {
    "spoilt": (spoilt, "its SHA-256 is not"),
    "a page": (noise, "sends more than"),
    "missing": (missing, "answers 404"),
    "broken": (broken, "answers 500"),
    "garbled": (garbled, ""),
    "stalled": (stalled, "sent nothing to speak of for 0.3 s"),
    "trickling": (trickling, "sent nothing to speak of for 0.3 s"),
    "trickling headers": (trickling_headers, "sent nothing to speak of for 0.3 s"),
    "endless": (endless, "sends more than"),
    "bomb": (bomb, "its SHA-256 is not"),
    "nothing": (lambda handler, body: send(handler, b""), "ends too early"),
    "always half": (lambda handler, body: send(handler, body[:99]), "ends too early"),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_mirror_is_told_and_the_next_one_asked(
    serve: Callable[..., Mirror], files: dict[str, bytes], known: dict[str, Wanted], tmp_path: Path, fault: str
) -> None:
    """Alone it ends in a sentence that says why, with no file under the name; beside a good one it does no harm."""
    habit, words = BAD[fault]
    bad = serve(files, always=habit)
    with pytest.raises(BadInput) as caught:
        download(known[LABELS], (bad.url,), tmp_path)
    sentence = str(caught.value)
    assert f"127.0.0.1:{bad.url.split(':')[2].split('/')[0]}: " in sentence and words in sentence
    assert "\n" not in sentence and not (tmp_path / LABELS).exists()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= known[LABELS].most
    fetched(tmp_path, known[LABELS], bad, serve(files))


def test_no_mirror_is_asked_for_ever(
    serve: Callable[..., Mirror], files: dict[str, bytes], known: dict[str, Wanted], tmp_path: Path
) -> None:
    """One that sends a byte a time is left after twenty of them."""

    def miserly(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        start = int(handler.headers.get("Range", "bytes=0-")[6:-1])
        span = f"bytes {start}-{start}/{len(body)}"
        send(handler, body[start : start + 1], code=206 if start else 200, Content_Range=span)

    mirror = serve(files, always=miserly)
    with pytest.raises(BadInput, match="ends too early"):
        download(known[LABELS], (mirror.url,), tmp_path)
    assert len(mirror.asked) == downloading.TRIES and (tmp_path / f".{LABELS}.part").stat().st_size == 20


def test_a_slow_mirror_is_waited_for(
    serve: Callable[..., Mirror], files: dict[str, bytes], known: dict[str, Wanted], tmp_path: Path
) -> None:
    """One that takes longer than the patience, but always sends enough, is not left."""

    def slow(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        send(handler, b"", len(body))
        for start in range(0, len(body), len(body) // 4):
            handler.wfile.write(body[start : start + len(body) // 4])
            handler.wfile.flush()
            time.sleep(0.2)

    mirror = serve(files, slow)
    fetched(tmp_path, known["train-images-idx3-ubyte.gz"], mirror)
    assert len(mirror.asked) == 1


def test_a_redirection_is_followed(
    serve: Callable[..., Mirror], files: dict[str, bytes], known: dict[str, Wanted], tmp_path: Path
) -> None:
    """A mirror may send on to another place."""
    good_one = serve(files)

    def moved(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        send(handler, b"", code=302, Location=f"{good_one.url}/{LABELS}")

    fetched(tmp_path, known[LABELS], serve(files, always=moved))
    assert len(good_one.asked) == 1


# Verdicts


CONTENT = bytes(range(256)) * 40
ZIPPED = gzip.compress(CONTENT, mtime=0)


@pytest.mark.parametrize(("whole", "packed"), [(CONTENT, False), (ZIPPED, False), (ZIPPED, True)])
def test_a_file_is_known_by_its_bytes(tmp_path: Path, whole: bytes, packed: bool) -> None:
    """The whole is right, gzipped or not; each beginning of it is short; with a byte more it is wrong."""
    digest = hashlib.sha256(ZIPPED if packed else CONTENT).hexdigest()
    wanted, path = Wanted("x", len(CONTENT), digest, packed), tmp_path / "x"
    assert verdict(path, wanted) == SHORT
    path.write_bytes(whole)
    assert verdict(path, wanted) == RIGHT
    for trailing in (1, CHUNK):
        path.write_bytes(whole + bytes(trailing))
        assert verdict(path, wanted) == WRONG
    for length in (0, 1, 2, 9, len(whole) // 2, len(whole) - 9, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert verdict(path, wanted) == SHORT, length


@given(place=st.integers(0, len(ZIPPED) - 1), change=st.integers(1, 255))
def test_a_changed_byte_is_never_right(tmp_path_factory: pytest.TempPathFactory, place: int, change: int) -> None:
    """Wherever one byte differs the packed file is not the right one, and the unpacked bytes decide for the other."""
    path = tmp_path_factory.mktemp("x") / "x"
    spoilt_one = bytearray(ZIPPED)
    spoilt_one[place] ^= change
    path.write_bytes(spoilt_one)
    assert verdict(path, Wanted("x", len(CONTENT), hashlib.sha256(ZIPPED).hexdigest(), True)) != RIGHT
    if place >= 10:  # before it stand date and system, which change nothing that is packed
        assert verdict(path, Wanted("x", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())) != RIGHT


def test_the_real_files_are_known(mnist: Path) -> None:
    """All four files of the real MNIST are right by the table."""
    for wanted in SOURCES["mnist"].files:
        assert verdict(mnist / wanted.name, wanted) == RIGHT
        assert os.path.getsize(mnist / wanted.name) <= wanted.most


def test_a_bomb_is_seen_in_little_memory(tmp_path: Path) -> None:
    """A gzip of 100 MB is wrong as soon as it holds more than the file may, whatever it would unpack to."""
    (tmp_path / "x").write_bytes(gzip.compress(bytes(100_000_000), 1))
    tracemalloc.start()
    assert verdict(tmp_path / "x", Wanted("x", 1_000_000, "")) == WRONG
    assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    tracemalloc.stop()
