"""nn bench: how fast, how much memory, how steep a learning curve, beside the bare products and other libraries."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import click

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


@click.command()
@click.argument("data", required=False, type=click.Path(path_type=Path))
@click.option("--peers", is_flag=True, help="Beside PyTorch and scikit-learn, where they are installed.")
@click.option("--rounds", default=15, type=click.IntRange(min=2), help="Epochs of each, the first to warm up (15).")
@click.option("--markdown", type=click.Path(path_type=Path), metavar="FILE", help="Write the report and its picture.")
@click.option("--json", "as_json", is_flag=True, help="Every figure, for scripts.")
def command(data: Path | None, peers: bool, rounds: int, markdown: Path | None, as_json: bool) -> int:
    """Measure training, prediction, loading, start-up and memory on one BLAS thread.

    DATA is a folder with the MNIST files; without it random pictures of that size are used. About a minute.
    """
    if any(os.environ.get(name) != "1" for name in THREADS):
        flags = ["--peers"] * peers + ["--json"] * as_json + ["--rounds", str(rounds)]
        flags += ["--markdown", str(markdown)] if markdown else []
        return _again(["bench", *flags, *([str(data)] if data else [])])
    import json

    from nnlaw.nn.bench.bench import bench
    from nnlaw.nn.bench.report import report

    found = bench(data, with_peers=peers, rounds=rounds, track=_track)
    if markdown is not None:
        _write(found, markdown)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    elif markdown is None:
        click.echo(report(found).plain(), nl=False)
    return 0


def _again(words: list[str]) -> int:
    """The exit code of a process that does it whose BLAS, which counts its threads when NumPy loads, has one.

    It stands apart, so that Ctrl-C reaches it once, from here, and its end is waited for: it cleans up after itself.
    """
    import signal
    import subprocess

    code = "import sys; from nnlaw.cli.main import main; main(sys.argv[1:])"
    environment = os.environ | dict.fromkeys(THREADS, "1")
    with subprocess.Popen([sys.executable, "-c", code, *words], env=environment, start_new_session=True) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            with suppress(ValueError):  # on Windows, where there are no sessions, it has reached it already
                process.send_signal(signal.SIGINT)
            return process.wait()


def _write(found: dict[str, object], path: Path) -> None:
    """The report as Markdown, and the picture beside it under the same name."""
    from nnlaw.nn.bench.report import plot, report
    from nnlaw.nn.run_folder.folder import Run, write_picture

    place = Run(path.parent)
    picture = path.with_suffix(".png").name
    write_picture(place, picture, lambda file: plot(found, file))
    place.write(path.name, report(found, picture).markdown().encode())
    click.echo(f"Written: {path} and {path.with_suffix('.png')}", err=True)


def _track(items: Sequence[int], what: str) -> Iterator[int]:
    """A bar on a terminal, elsewhere plain lines: one an item, of many at most twenty."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    if console.is_terminal:
        yield from track(items, description=what, console=console, transient=True)
        return
    every = -(-len(items) // 20)
    for i, item in enumerate(items):
        if i % every == 0:
            click.echo(f"{what}: {i + 1} of {len(items)}", err=True)
        yield item
