"""Measure how pictures with one fault each are read, and what is refused: the tables of docs/pictures.md.

    python benchmarks/pictures.py ../shared/mnist [--digits 1000] [--others 200] [--photos FOLDER]

A network is trained by the default recipe; as in `nn predict`, a guess is refused. Agreement is the share of test
digits whose picture gets the same prediction as the image in MNIST; a refused picture does not agree. Around digits
that the network reads rightly from MNIST, lines are drawn; several digits should be refused without --all. Every
picture depends on the random seed alone. With --photos, 20 pieces of each of your own photographs, which show no
digit, are added to those that should be refused.
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
from surroundings import SURROUNDINGS, Made

from nnlaw.cli.main import run
from nnlaw.nn.data.load import load_folder
from nnlaw.nn.images.ink_extraction import PictureRefused
from nnlaw.nn.images.read import picture_files, read_glyphs
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.runs.predictor import Predictor


class Bench:
    """A trained network, and the file that each picture is written to."""

    def __init__(self, mnist: Path, work: Path) -> None:
        with redirect_stdout(io.StringIO()):
            code = run(["train", str(mnist), "--json", "--run", str(work / "run")])
        if code != 0:
            raise SystemExit("nn train failed")
        self.reader, self.file = Predictor(Run(work / "run")), work / "picture"
        self.data = load_folder(mnist)

    def classify(self, images: Any) -> Any:
        """The predicted classes of images (N, 28, 28)."""
        return np.array([self.reader.probabilities(image).argmax() for image in images])

    def read(self, files: Iterable[bytes]) -> tuple[Any, Counter[str]]:
        """The predicted class of each picture file, -1 if it is refused, and the count of each reason."""
        found, reasons = [], Counter[str]()
        for content in files:
            self.file.write_bytes(content)
            try:
                found += self.numbers(several=False)
            except PictureRefused as refusal:
                found.append(-1)
                reasons[str(refusal).split(": ", 1)[1]] += 1
        return np.array(found), reasons

    def numbers(self, several: bool) -> list[int]:
        """The predicted classes of the digits in the picture file. Raises PictureRefused, also for a guess."""
        found = [self.reader.probabilities(glyph) for glyph in read_glyphs(self.file, self.reader.frame, several)]
        if min(p.max() for p in found) < self.reader.least:
            raise PictureRefused(f"{self.file}: the network is unsure what it shows")
        return [int(p.argmax()) for p in found]

    def surrounded(self, make: Callable[..., Made], count: int, seed: int) -> str:
        """Six cells of the table: digits read rightly, wrongly, refused, without and with --all, in percent."""
        images, labels = self.data.test_images[:2000], self.data.test_labels[:2000]
        usable = np.flatnonzero(self.classify(images) == labels)
        rng, cells = np.random.default_rng(seed), Counter[tuple[bool, str]]()
        for _ in range(count):
            content, numbers = make(lambda: (images[k := rng.choice(usable)], int(labels[k])), rng)
            self.file.write_bytes(content)
            for several in (False, True):
                try:
                    right = self.numbers(several) == numbers
                    cells[several, "right" if right else "wrong"] += 1
                except PictureRefused:
                    cells[several, "refused"] += 1
        outcomes = ("right", "wrong", "refused")
        return " | ".join(f"{cells[several, name] / count:.0%}" for several in (False, True) for name in outcomes)

    def agreement(self, digits: Any, fault: Callable[..., bytes], seed: int) -> str:
        """Two cells of the table: agreement, refused."""
        rng = np.random.default_rng(seed)
        found, _ = self.read(fault(digit, rng) for digit in digits)
        return f"{(found == self.classify(digits)).mean():.2%} | {(found < 0).mean():.2%}"

    def refused(self, files: Iterable[bytes]) -> str:
        """Three cells of the table: pictures, refused, most common reason."""
        found, reasons = self.read(files)
        usual = reasons.most_common(1)[0][0] if reasons else ""
        return f"{len(found):,} | {(found < 0).mean():.1%} | {usual}"


@click.command()
@click.argument("mnist", type=click.Path(path_type=Path))
@click.option("--digits", default=1000, help="Test digits per fault.")
@click.option("--others", default=200, help="Pictures of each kind that should be refused.")
@click.option("--photos", type=click.Path(path_type=Path, exists=True), help="Your own photographs without digits.")
@click.option("--seed", default=0, help="Random seed.")
def main(mnist: Path, digits: int, others: int, photos: Path | None, seed: int) -> None:
    """Print the tables of docs/pictures.md."""
    with tempfile.TemporaryDirectory() as work:
        bench = Bench(mnist, Path(work))
        tables(bench, digits, others, picture_files(photos) if photos else [], seed)


def tables(bench: Bench, digits: int, others: int, photos: list[Path], seed: int) -> None:
    """Print the tables in Markdown."""
    every = bench.data.test_images
    print("| digits of MNIST with | pictures | same prediction | refused |\n|---|---|---|---|")
    cells = bench.agreement(every, FAULTS["unchanged, 28×28"], seed)
    print(f"| no fault, 28×28 | {len(every):,} | {cells} |", flush=True)
    for name, fault in FAULTS.items():
        print(f"| {name} | {digits:,} | {bench.agreement(every[:digits], fault, seed)} |", flush=True)
    print(f"\n| {others} pictures each | right | wrong | refused | `--all`: right | wrong | refused |")
    print("|---|---|---|---|---|---|---|")
    for name, make in SURROUNDINGS.items():
        print(f"| {name} | {bench.surrounded(make, others, seed)} |", flush=True)
    print("\n| should be refused | pictures | refused | most common reason |\n|---|---|---|---|")
    for name, make in OTHERS.items():
        rng = np.random.default_rng(seed)
        print(f"| {name} | {bench.refused(make(rng, every) for _ in range(others))} |", flush=True)
    if photos:
        rng = np.random.default_rng(seed)
        print(f"| your photographs | {bench.refused(piece(p, rng, 1 / 8) for p in photos for _ in range(20))} |")


if __name__ == "__main__":
    main()
