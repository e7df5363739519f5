"""nn fetch: bring a data set into a folder."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--dataset", help="mnist (the default), fashion-mnist or kuzushiji-mnist.")
@click.option("--mirror", "mirrors", multiple=True, metavar="URL", help="A place of the four files; may be repeated.")
def command(folder: Path, dataset: str | None, mirrors: tuple[str, ...]) -> None:
    """Fetch the four files of MNIST, or of another data set, into FOLDER, and verify them.

    What is there and right is not fetched again; what was broken off goes on. Mirrors are tried in turn.
    """
    from nnlaw.cli.output.progress import counting
    from nnlaw.nn.data.download.download import download
    from nnlaw.nn.data.download.fetch import checked_mirrors, prepared, source_of
    from nnlaw.nn.data.download.mirrors import SOURCES
    from nnlaw.nn.data.layout import command as command_line

    if dataset is not None and dataset not in SOURCES:
        raise click.BadParameter(f"{dataset!r}, expected one of {', '.join(SOURCES)}", param_hint="--dataset")
    source = source_of(folder, dataset)
    mirrors = checked_mirrors(mirrors) or source.mirrors
    try:
        with prepared(folder, source) as missing:
            click.echo(f"Fetching {source.kind.name} into {folder}...")
            for wanted in source.files:
                if wanted not in missing:
                    click.echo(f"  {wanted.name}: there already")
                    continue
                with counting(wanted.name) as tell:
                    host = download(wanted, mirrors, folder, tell)
                size = (folder / wanted.name).stat().st_size
                click.echo(f"  {wanted.name}: {size:,} bytes from {host}")
    except KeyboardInterrupt:
        raise click.exceptions.Abort(f"interrupted; go on with: {command_line('fetch', folder)}") from None
    click.echo(f"Every file is the known one, by its SHA-256. Train with: {command_line('train', folder)}")
