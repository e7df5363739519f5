"""nn digits: write synthetic digits as the four files of MNIST."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--count", type=int, default=7000, show_default=True, help="Digits in all; a seventh is for the test.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of what is drawn.")
def command(folder: Path, count: int, seed: int) -> None:
    """Draw digits and write them to DIR, which is made, or is empty: `nn train DIR` reads them, as synthetic ones."""
    from nnlaw.cli.output.progress import counting
    from nnlaw.nn.data.synthetic.digits import built_in, shares
    from nnlaw.nn.data.writer import make_empty, write_folder

    train, test = shares(count)
    make_empty(folder)
    click.echo(f"Drawing {count:,} synthetic digits from seed {seed}...")
    with counting("drawing digits") as tell:
        data = built_in(seed, train, test, tell)
    write_folder(folder, data)
    click.echo(f"  Training: {train:,} images")
    click.echo(f"  Test: {test:,} images")
    click.echo(f"Written to {folder}: four IDX files, and SYNTHETIC.txt, which says that code drew them")
