"""nn trace: backpropagation in words and numbers, each gradient beside its finite difference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

TEXTBOOK = (
    "The hand-traced textbook network. The book's W1 = [[0.1, 0.2], [0.3, 0.4]] acts on columns, W1 @ x; here samples "
    "are rows, x @ W1, so that our W1 is the book's transposed. Books that round on the way find dz2 = "
    "0.186 · (-1.326) = -0.2466, -0.247; unrounded it is -0.2460. Round at the end."
)
DRAWN = "Weights that you did not give are drawn ({init}, seed {seed}) and rounded to two decimals: compute along."


@click.command()
@click.argument("exercise", required=False, type=click.Path(path_type=Path))
@click.option("--layers", help='Layers of your own network, e.g. "dense:2 relu dense:1".')
@click.option("--loss", help="Its loss (binary_cross_entropy).")
@click.option("--init", help="Initializer of its weights (he).")
@click.option("--x", help="Input, e.g. -1,2; for several samples 1,2;3,4.")
@click.option("--y", help="Target, e.g. 1; class numbers for softmax_cross_entropy.")
@click.option("--seed", default=0, type=click.IntRange(min=0), help="Seed of the weights (0).")
@click.option("--step", is_flag=False, flag_value=0.1, type=float, metavar="[LR]", help="Take an update too (0.1).")
@click.option("--plugin", "files", multiple=True, metavar="FILE", help="Your own plugin file; may be repeated.")
@click.option("--markdown", "as_markdown", is_flag=True, help="The page as Markdown.")
@click.option("--json", "as_json", is_flag=True, help="Every number, for scripts.")
def command(
    exercise: Path | None,
    seed: int,
    step: float | None,
    files: tuple[str, ...],
    as_markdown: bool,
    as_json: bool,
    **given: str | None,
) -> None:
    """Walk through a small network, forward and backward, every number shown.

    Without arguments: the textbook network. With --layers and --x: your own. With a TOML file EXERCISE: that one, with
    its own weights (fixtures/textbook.toml is such a file).
    """
    import json

    from nnlaw.nn.plugins.loader import load_file
    from nnlaw.nn.run_folder.folder import plain
    from nnlaw.nn.trace.trace import take_step
    from nnlaw.nn.trace.walkthrough import as_dict, lesson
    from nnlaw.nn.trace.worked_example import read_exercise, textbook
    from nnlaw.spec.violation import BadInput

    if step is not None and not 0 < step < float("inf"):
        raise BadInput(f"--step {step:g}, expected a learning rate above 0")
    for file in files:
        load_file(Path(file))
    own = {name: value for name, value in given.items() if value is not None}
    if own and exercise is not None:
        raise BadInput(f"--{next(iter(own))} beside the exercise {exercise}, expected one or the other")
    work = _from_flags(own) if own else read_exercise(exercise or textbook())
    found = work.trace(seed)
    moved = take_step(found, step) if step is not None else None
    book = not own and exercise is None
    if as_json:
        click.echo(json.dumps(plain(as_dict(found, moved)), indent=2, allow_nan=False))
    else:
        page = lesson(found, moved, TEXTBOOK if book else DRAWN.format(init=work.init, seed=seed))
        click.echo(page.markdown() if as_markdown else page.plain(), nl=False)
    if found.violation:
        raise found.violation


def _from_flags(own: dict[str, Any]) -> Any:
    from nnlaw.nn.trace.worked_example import Exercise, read_rows
    from nnlaw.spec.violation import BadInput

    for name in ("layers", "x", "y"):
        if name not in own:
            raise BadInput(f'--{name} is missing; expected e.g. --layers "dense:2 relu dense:1" --x -1,2 --y 1')
    own |= {name: read_rows(name, own[name]) for name in ("x", "y")}
    return Exercise(**{"loss": "binary_cross_entropy"} | own)
