"""nn laws: the catalogue."""

from __future__ import annotations

import click


@click.command()
def command() -> None:
    """List the laws: kind, code, family, tier, statement."""
    from spec import CATALOGUE

    for law in CATALOGUE.values():
        click.echo(f"{law.kind:9} {law.code:20} {law.family:16} {law.tier:6} {law.statement}")
