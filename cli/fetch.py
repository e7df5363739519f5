"""nn fetch: download a data set into a folder."""

from __future__ import annotations

from pathlib import Path

import click

from nnlaw.cli.output.progress import counting
from nnlaw.cli.output.streams import echo
from nnlaw.nn.data.download.download import check_mirrors, download, find_dataset, open_folder
from nnlaw.nn.data.download.mirrors import DATASETS
from nnlaw.nn.data.layout import shell_command


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--dataset", help="mnist (the default), fashion-mnist or kuzushiji-mnist.")
@click.option("--mirror", "mirrors", multiple=True, metavar="URL", help="Base URL of the four files. Can be repeated.")
def command(folder: Path, dataset: str | None, mirrors: tuple[str, ...]) -> None:
    """Download the four files of MNIST, or of another data set, into FOLDER, and verify them.

    Files that are already there and correct are kept. Mirrors are tried in turn.
    """
    if dataset is not None and dataset not in DATASETS:
        raise click.BadParameter(f"{dataset!r}, choose from {', '.join(DATASETS)}", param_hint="--dataset")
    remote = find_dataset(folder, dataset)
    mirrors = check_mirrors(mirrors) or remote.mirrors
    try:
        with open_folder(folder, remote) as missing:
            echo(f"Downloading {remote.info.name} into {folder}...")
            for file in remote.files:
                if file not in missing:
                    echo(f"  {file.name}: already there")
                    continue
                with counting(file.name) as progress:
                    host = download(file, mirrors, folder, progress)
                size = (folder / file.name).stat().st_size
                echo(f"  {file.name}: {size:,} bytes from {host}")
    except KeyboardInterrupt:
        raise click.exceptions.Abort(f"interrupted; continue with: {shell_command('fetch', folder)}") from None
    echo(f"All four files have the expected SHA-256. Train with: {shell_command('train', folder)}")
