"""What is printed: one line stays one printable line; full and closed streams end in a sentence."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nnlaw.cli.output.streams import MAX_LINE, echo, print_json
from nnlaw.spec.locations import PACKAGE


def test_a_line_stays_one_printable_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Escapes, line breaks, direction marks and bytes that are not UTF-8 are shown, not obeyed."""
    echo("a\x1b[2Kb\nc\rd\u202ee\u2028f\tg\udce9h", err=True)
    assert capsys.readouterr().err == "a\\x1b[2Kb\\nc\\rd\\u202ee\\u2028f    g\\udce9h\n"


def test_a_long_line_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """The number of characters that are left out is shown."""
    echo("x" * (MAX_LINE + 5000))
    assert capsys.readouterr().out == "x" * MAX_LINE + "... and 5,000 more characters\n"


def test_json_has_no_nan(capsys: pytest.CaptureFixture[str]) -> None:
    """Numbers that JSON does not have are null, and all characters are ASCII."""
    print_json({"a": float("nan"), "b": [float("-inf"), "é\x1b\udce9"]})
    out = capsys.readouterr().out
    assert json.loads(out) == {"a": None, "b": [None, "é\x1b\udce9"]} and out.isascii() and "\x1b" not in out


def test_every_command_prints_by_this_module() -> None:
    """No module of cli prints past it."""
    files = [file for file in (PACKAGE / "cli").rglob("*.py") if file.name != "streams.py"]
    assert len(files) > 20
    assert not [file for file in files if "click.echo" in file.read_text("utf-8")]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("command", [["laws"], ["plugins"], ["laws", "--json"], ["trace"]])
def test_a_full_standard_output_is_named(command: list[str]) -> None:
    """One sentence and exit code 2; Python adds nothing at the exit."""
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "nnlaw", *command], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert (ended.returncode, ended.stderr) == (2, "nn: standard output cannot be written: No space left on device\n")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="streams are closed in another way")
def test_closed_streams_are_no_error(tiny_folder: Path, workplace: Path) -> None:
    """A training without standard streams is the same, and no file gets what would have been printed."""

    def close() -> None:
        for number in (0, 1, 2):
            os.close(number)

    flags = ["--epochs", "1", "--layers", "dense:4 relu dense:10", "--run"]
    command = [sys.executable, "-m", "nnlaw", "train", str(tiny_folder), *flags]
    assert subprocess.run([*command, "one"], stdout=subprocess.DEVNULL).returncode == 0
    assert subprocess.run([*command, "two"], preexec_fn=close).returncode == 0
    for name in ("config.toml", "weights.safetensors"):
        assert (workplace / "one" / name).read_bytes() == (workplace / "two" / name).read_bytes()
    assert (workplace / "two" / ".lock").read_bytes() == (workplace / "one" / ".lock").read_bytes()


@pytest.mark.parametrize("error", ["GeneratorExit", "SystemExit(0)", "KeyError('a\\x1bb')", "BaseException"])
def test_exceptions_of_any_kind_end_in_a_sentence(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str], error: str
) -> None:
    """Also those outside Exception, on import and while training; exit code 2, and the line that raised it."""
    from nnlaw.cli.main import run

    text = f"from nn import metric\n@metric('mm')\ndef mm(p, y):\n    raise {error}\n"
    Path("m.py").write_text(text)
    Path("n.py").write_text(f"raise {error}\n")
    flags = ["train", str(tiny_folder), "--epochs", "1", "--layers", "dense:4 relu dense:10", "--run", "r"]
    for plugin, line in (("m.py", "m.py:4: "), ("n.py", "n.py:1: ")):
        assert run([*flags, "--plugin", plugin]) == 2
        err = capsys.readouterr().err
        assert len(err.splitlines()) == 1 and line in err and "\x1b" not in err


def test_os_exit_in_a_plugin_is_no_result(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A plugin that calls os._exit(0) while training ends the command with exit code 2, and a sentence."""
    from nnlaw.cli.main import run

    Path("m.py").write_text("import os\nfrom nn import metric\n@metric('mm')\ndef mm(p, y):\n    os._exit(0)\n")
    leave = os._exit
    flags = ["--epochs", "1", "--layers", "dense:4 relu dense:10", "--run", "r", "--plugin", "m.py"]
    assert run(["train", str(tiny_folder), *flags]) == 2
    assert "m.py:5: SystemExit: called os._exit(0) before there was a result" in capsys.readouterr().err
    assert os._exit is leave


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
def test_an_interrupt_while_the_command_is_imported_prints_nothing() -> None:
    """No traceback of Python's imports."""
    code = (
        "import os, runpy, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'click':\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
        "runpy.run_module('nnlaw', run_name='__main__')\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGINT, "", "")


def test_names_with_line_breaks_stay_on_their_line(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A name of a unit or a file can't look like the result of another one."""
    from nnlaw.cli.main import run

    text = "from nnlaw.nn import metric\n@metric('mm\\nother.py: x passed')\ndef mm(p, y):\n    return 0.5\n"
    Path("a\nb.py").write_text(text)
    run(["verify", "a\nb.py"])
    run(["verify", "a\nb.py", "--csv", "c.csv", "-q"])
    lines = capsys.readouterr().out.splitlines() + Path("c.csv").read_text().splitlines()
    assert lines and not [line for line in lines if line.startswith(("other.py", "b.py"))]


def test_toml_may_begin_with_a_byte_order_mark(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Settings, examples and pyproject.toml, as Notepad writes them."""
    from nnlaw.cli.main import run
    from nnlaw.nn.core.settings import read_settings

    mark = b"\xef\xbb\xbf"
    Path("s.toml").write_bytes(mark + b"format = 1\r\nepochs = 3\r\n")
    assert read_settings(Path("s.toml")) == {"epochs": 3}
    Path("t.toml").write_bytes(mark + b'layers = "dense:1"\nloss = "mse"\nx = [[1]]\ny = [[1]]\n')
    assert run(["trace", "t.toml", "--json"]) == 0
    Path("pyproject.toml").write_bytes(mark + b"[tool.nnlaw]\nseed = 'x'\n")
    assert run(["verify"]) == 2
    assert "seed = 'x'" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.parametrize(
    "command", ["train --config p", "trace p", "verify p", "train p", "predict p", "reproduce p", "verify a --laws p"]
)
def test_pipes_as_inputs_never_block(workplace: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    """They are refused, exit code 2."""
    from nnlaw.cli.main import run

    os.mkfifo("p")
    assert run(command.split()) == 2


@pytest.mark.parametrize(
    "command",
    [
        "train --validation -1", "train --epochs 0", "train --lr nan", "train --seed -1", "train --threads -1",
        "stress --timeout nan", "verify --timeout inf", "verify --jobs 0", "digits d --count -7", "bench --rounds 1",
        "trace --step nan", "train --stop-after 0", "train --adversarial 1.1", "train --clip-norm -1",
    ],
)  # fmt: skip
def test_settings_outside_their_range_are_refused(
    workplace: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """Before anything is written."""
    from nnlaw.cli.main import run

    assert run(command.split()) == 2
    assert "internal error" not in capsys.readouterr().err and not os.listdir()
