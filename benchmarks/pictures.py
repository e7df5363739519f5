"""What is read of pictures with one fault each, and what is refused: the table of docs/pictures.md.

    python benchmarks/pictures.py ../shared/mnist [--digits 1000] [--others 200] [--photos FOLDER]

A network is trained by the default recipe. Agreement is how often its answer to a picture of a test digit is its answer
to that digit as it stands in MNIST; a refusal agrees with nothing. Every picture is drawn from a seed. Photographs of
your own that show no digit may be added: 20 pieces of each are to be refused.
"""

from __future__ import annotations

import io
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import click
import numpy as np
from no_digits import OTHERS, piece
from photos import FAULTS

import nnlaw.spec
from nnlaw.cli.main import run
from nnlaw.nn.data.load import load_folder
from nnlaw.nn.images.ink_extraction import Refused
from nnlaw.nn.images.read import pictures_in, read_glyphs
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.runs.predictor import Reader


class Bench:
    """A trained network, and a file in which each picture is handed to it."""

    def __init__(self, mnist: Path, work: Path) -> None:
        with redirect_stdout(io.StringIO()):
            code = run(["train", str(mnist), "--json", "--run", str(work / "run")])
        if code != 0:
            raise SystemExit("the training failed")
        self.reader, self.file = Reader(Run(work / "run")), work / "picture"
        self.data = load_folder(mnist)

    def answers(self, images: Any) -> Any:
        """The classes of pictures (N, 28, 28)."""
        return np.array([self.reader.probabilities(image).argmax() for image in images])

    def read(self, files: Iterable[bytes]) -> tuple[Any, Counter[str]]:
        """The class of each picture file, -1 where it is refused, and how often for which reason."""
        found, reasons = [], Counter[str]()
        for content in files:
            self.file.write_bytes(content)
            try:
                found.append(int(self.answers(read_glyphs(self.file, self.reader.frame))[0]))
            except Refused as refusal:
                found.append(-1)
                reasons[str(refusal).split(": ", 1)[1]] += 1
        return np.array(found), reasons

    def agreement(self, digits: Any, fault: Callable[..., bytes], seed: int) -> str:
        """Two cells of the table: agreement, and refusals."""
        rng = np.random.default_rng(seed)
        found, _ = self.read(fault(digit, rng) for digit in digits)
        return f"{(found == self.answers(digits)).mean():.2%} | {(found < 0).mean():.2%}"

    def refused(self, files: Iterable[bytes]) -> str:
        """Three cells: pictures, refusals, and the usual reason."""
        found, reasons = self.read(files)
        usual = reasons.most_common(1)[0][0] if reasons else ""
        return f"{len(found):,} | {(found < 0).mean():.1%} | {usual}"


@click.command()
@click.argument("mnist", type=click.Path(path_type=Path))
@click.option("--digits", default=1000, help="Test digits a fault.")
@click.option("--others", default=200, help="Pictures of each kind that is to be refused.")
@click.option("--photos", type=click.Path(path_type=Path, exists=True), help="Photographs without digits, your own.")
@click.option("--seed", default=0, help="Of all pictures.")
def main(mnist: Path, digits: int, others: int, photos: Path | None, seed: int) -> None:
    """Print the tables."""
    print(nnlaw.spec.__file__)
    with tempfile.TemporaryDirectory() as work:
        bench = Bench(mnist, Path(work))
        tables(bench, digits, others, pictures_in(photos) if photos else [], seed)


def tables(bench: Bench, digits: int, others: int, photos: list[Path], seed: int) -> None:
    """Both tables in Markdown."""
    every = bench.data.test_images
    print("| the digits of MNIST with | pictures | same answer | refused |\n|---|---|---|---|")
    print(f"| no fault, 28×28 | {len(every):,} | {bench.agreement(every, FAULTS['none, 28×28'], seed)} |", flush=True)
    for name, fault in FAULTS.items():
        print(f"| {name} | {digits:,} | {bench.agreement(every[:digits], fault, seed)} |", flush=True)
    print("\n| to be refused | pictures | refused | most often because |\n|---|---|---|---|")
    for name, make in OTHERS.items():
        rng = np.random.default_rng(seed)
        print(f"| {name} | {bench.refused(make(rng, every) for _ in range(others))} |", flush=True)
    if photos:
        rng = np.random.default_rng(seed)
        print(f"| your photographs | {bench.refused(piece(p, rng, 1 / 8) for p in photos for _ in range(20))} |")


if __name__ == "__main__":
    main()
