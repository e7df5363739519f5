"""nn trace: backpropagation with every number, each gradient beside its finite difference."""

from __future__ import annotations

from pathlib import Path

import click

from nnlaw.cli.output.markdown import print_markdown
from nnlaw.cli.output.streams import echo, print_json
from nnlaw.nn.plugins.installed import source_file
from nnlaw.nn.plugins.loader import load_plugin_file
from nnlaw.nn.trace.trace import take_step
from nnlaw.nn.trace.walkthrough import as_dict, walkthrough
from nnlaw.nn.trace.worked_example import WorkedExample, read_rows, read_worked_example, textbook_file
from nnlaw.spec.violation import BadInput

TEXTBOOK = (
    "A network small enough to compute by hand. Samples are rows here, x @ W1. With samples as columns, W1 @ x, it is "
    "W1 = [[0.1, 0.2], [0.3, 0.4]], the transpose. Rounding on the way gives dz2 = 0.186 · (-1.326) = -0.2466, or "
    "-0.247; without rounding it is -0.2460. Round only the final result."
)
RANDOM = "Weights that are not given are random ({init}, seed {seed}), rounded to two decimals."


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--layers", help='Layers of your own network, such as "dense:2 relu dense:1".')
@click.option("--loss", help="Loss of your own network.  [default: binary_cross_entropy]")
@click.option("--init", help="Initializer of its weights.  [default: he]")
@click.option("--x", help="Input, such as -1,2; for several samples 1,2;3,4.")
@click.option("--y", help="Target, such as 1; class numbers for softmax_cross_entropy.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Random seed of the weights.")
@click.option("--step", is_flag=False, flag_value=0.1, type=float, metavar="[LR]", help="Also show an update (0.1).")
@click.option("--plugin", "plugins", multiple=True, metavar="FILE", help="File with your own layers. Can be repeated.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    file: Path | None,
    layers: str | None,
    loss: str | None,
    init: str | None,
    x: str | None,
    y: str | None,
    seed: int,
    step: float | None,
    plugins: tuple[str, ...],
    as_markdown: bool,
    as_json: bool,
) -> None:
    """Walk through a small network, forward and backward, with every number shown.

    FILE is a TOML file with a network, an input and weights, such as fixtures/textbook.toml, which is the default.
    --layers, --x and --y describe a network of your own.
    """
    if step is not None and not 0 < step < float("inf"):
        raise BadInput(f"--step {step:g}, expected a learning rate above 0")
    for plugin in plugins:
        load_plugin_file(source_file(plugin))
    options = {"layers": layers, "loss": loss, "init": init, "x": x, "y": y}
    given = {name: value for name, value in options.items() if value is not None}
    if given and file is not None:
        raise BadInput(f"--{next(iter(given))} together with the file {file}, expected only one of them")
    example = _from_options(given) if given else read_worked_example(file or textbook_file())
    found = example.trace(seed)
    update = take_step(found, step) if step is not None else None
    if as_json:
        print_json(as_dict(found, update))
    else:
        note = RANDOM.format(init=example.init, seed=seed) if given or file else TEXTBOOK
        page = walkthrough(found, update, note).markdown()
        if as_markdown:
            echo(*page.rstrip("\n").split("\n"))
        else:
            print_markdown(page)
    if found.violation:
        raise found.violation


def _from_options(given: dict[str, str]) -> WorkedExample:
    """The network of --layers, --loss, --init, --x and --y."""
    for name in ("layers", "x", "y"):
        if name not in given:
            raise BadInput(f'--{name} is missing, expected for example --layers "dense:2 relu dense:1" --x -1,2 --y 1')
    return WorkedExample(
        given["layers"],
        given.get("loss", "binary_cross_entropy"),
        read_rows("x", given["x"]),
        read_rows("y", given["y"]),
        given.get("init", "he"),
    )
