"""nn digits: write synthetic digits as the four files of MNIST."""

from __future__ import annotations

from pathlib import Path

import click

from nnlaw.cli.output.progress import counting
from nnlaw.cli.output.streams import echo
from nnlaw.nn.data.synthetic.digits import generate_digits, train_test_counts
from nnlaw.nn.data.writer import create_empty_folder, write_folder


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--count", type=int, default=7000, show_default=True, help="Number of digits; one seventh are test data.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Random seed.")
def command(folder: Path, count: int, seed: int) -> None:
    """Write synthetic digits to DIR, a new or empty folder. `nn train DIR` reads them."""
    train, test = train_test_counts(count)
    create_empty_folder(folder)
    echo(f"Generating {count:,} synthetic digits from seed {seed}...")
    with counting("generating digits") as progress:
        data = generate_digits(seed, train, test, progress)
    write_folder(folder, data)
    echo(f"  Training: {train:,} images")
    echo(f"  Test: {test:,} images")
    echo(f"Written to {folder}: four IDX files, and SYNTHETIC.txt, which marks them as synthetic")
