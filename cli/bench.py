"""nn bench: measure speed and memory, beside the bare matrix products."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from rich.progress import track

from nnlaw.cli.output.console import console
from nnlaw.cli.output.markdown import print_markdown
from nnlaw.cli.output.option_checks import output_file
from nnlaw.cli.output.streams import echo, print_json

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


@click.command()
@click.argument("data", required=False, type=click.Path(path_type=Path))
@click.option("--rounds", default=15, type=click.IntRange(min=2), help="Epochs, the first is a warm-up.  [default: 15]")
@click.option("--markdown", type=click.Path(path_type=Path), callback=output_file, metavar="FILE",
              help="Write a report and its plot.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--peers", "removed", is_flag=True, hidden=True)
def command(data: Path | None, rounds: int, markdown: Path | None, as_json: bool, removed: bool) -> int:
    """Measure training, prediction, loading, start-up and memory on one BLAS thread.

    DATA is a folder with the MNIST files; without it, random images of the same size are used. Takes about a minute.
    """
    if removed:
        script = "python benchmarks/other_libraries.py [DATA]"
        raise click.UsageError(f"--peers was removed; to compare with PyTorch and scikit-learn run {script}")
    arguments = ["--rounds", str(rounds)]
    if as_json:
        arguments += ["--json"]
    if markdown:
        if markdown.suffix.lower() == ".png":
            raise click.UsageError("--markdown: the plot ends in .png; expected a Markdown file such as bench.md")
        arguments += ["--markdown", str(markdown)]
    if data:
        arguments += [str(data)]
    if any(os.environ.get(name) != "1" for name in THREADS):
        return _run_with_one_thread(["bench", *arguments])
    from nnlaw.nn.bench.bench import bench  # imports NumPy, which the parent process does not need
    from nnlaw.nn.bench.report import report

    results = bench(data, rounds=rounds, progress=show_progress)
    shown = "nn bench DATA" if data else "nn bench"
    if markdown is not None:
        write_report(results, shown, markdown)
    if as_json:
        print_json(results)
    elif markdown is None:
        print_markdown(report(results, shown).markdown())
    return 0


def _run_with_one_thread(arguments: list[str]) -> int:
    """Run the command in a process with one BLAS thread, and return its exit code.

    BLAS reads the number of threads when NumPy is imported. The process has its own session, so that it gets Ctrl-C
    once, from here, and can remove its temporary files.
    """
    code = "import sys; from nnlaw.cli.main import main; main(sys.argv[1:])"
    environment = os.environ | dict.fromkeys(THREADS, "1")
    with subprocess.Popen([sys.executable, "-c", code, *arguments], env=environment, start_new_session=True) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            with suppress(ValueError):  # on Windows, which has no sessions, the process got Ctrl-C already
                process.send_signal(signal.SIGINT)
            return process.wait()


def write_report(results: dict[str, Any], shown: str, path: Path) -> None:
    """Write the report as Markdown, and the plot beside it under the same name. `shown` is the command line."""
    from nnlaw.nn.bench.report import plot, report
    from nnlaw.nn.core.atomic_write import is_open_file, write_output

    if is_open_file(path):  # a device or a pipe, with no place for a plot
        write_output(path, report(results, shown).markdown().encode())
        return
    image, picture = path.with_suffix(".png"), io.BytesIO()
    plot(results, picture)
    write_output(image, picture.getvalue())
    write_output(path, report(results, shown, image.name).markdown().encode())
    echo(f"Written: {path} and {image}", err=True)


def show_progress(items: Sequence[int], what: str) -> Iterator[int]:
    """Yield the items behind a progress bar; without a terminal, print at most twenty lines."""
    out = console(stderr=True)
    if out.is_terminal:
        yield from track(items, description=what, console=out, transient=True)
        return
    every = -(-len(items) // 20)
    for i, item in enumerate(items):
        if i % every == 0:
            echo(f"{what}: {i + 1} of {len(items)}", err=True)
        yield item
