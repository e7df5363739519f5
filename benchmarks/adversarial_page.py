"""The page docs/stress-adversarial.md, from the figures that benchmarks/adversarial.py measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nnlaw.nn.core.markdown_page import MarkdownPage
from nnlaw.nn.core.settings import read_settings

ROOT = Path(__file__).parent.parent
NETS = {
    "default": ("default", "`examples/default.toml`"),
    "hardened": ("hardened", "`examples/hardened.toml`"),
    "wide": ("hardened, wide", "`examples/hardened-wide.toml`"),
}
TRIED = [
    ["128 64", "sgd", "0.01, constant", "10", "0.1", "89.6%", "78.0%", "57.7%"],
    ["128 64", "adam", "0.002", "15", "0.1", "97.5%", "90.4%", "84.8%"],
    ["128 64", "adam", "0.003", "30", "0.1", "97.7%", "91.7%", "89.2%"],
    ["128 64", "adamw, decay 0.01", "0.003", "30", "0.12", "97.8%", "93.1%", "80.6%"],
    ["128 64", "adamw, decay 0.1", "0.003", "30", "0.1", "98.1%", "91.5%", "89.5%, chosen"],
    ["256 128", "adam", "0.003", "30", "0.1", "98.2%", "92.0%", "88.6%"],
    ["256 128", "adam, dropout 0.2", "0.003", "20", "0.1", "97.8%", "93.2%", "89.9%"],
    ["256 128", "adamw, decay 0.1", "0.002", "20", "0.13", "98.1%", "93.4%", "89.8%"],
    ["256 128", "adamw, decay 0.3", "0.003", "20", "0.1", "98.0%", "94.0%", "92.4%, chosen"],
    ["256 128", "adamw, decay 0.6", "0.003", "20", "0.1", "97.5%", "93.3%", "91.7%"],
    ["512 512", "adam", "0.001", "12", "0.1", "98.2%", "91.9%", "89.4%"],
]  # accuracy on 1,000 validation images; measured once, by hand
Found = dict[str, dict[str, Any]]


def share(value: float) -> str:
    """A tenth of a percent."""
    return f"{value:.1%}"


def page(found: Found, pictures: Path) -> MarkdownPage:
    """All of it."""
    made = MarkdownPage().heading("What a trained network withstands", 1)
    made.text(
        "Drills of `nn stress` on networks trained on the real MNIST: adversarial pictures, damage, pictures that are "
        "no digit. Every figure is of test images, which no network was trained on and by which nothing was chosen. "
        "eps is in pixel intensity, 0 black and 1 white. The whole page is made by "
        "`python benchmarks/adversarial.py mnist/`."
    )
    for part in (_hardening, _attacks, _masking, _corruptions, _confidence, _verdicts):
        part(made, found, pictures)
    return made


def _hardening(made: MarkdownPage, found: Found, pictures: Path) -> None:
    made.heading("Adversarial training")
    made.text(
        "`nn train mnist/ --adversarial 0.1` learns from pictures that were moved to where the network is worse: from "
        "a random point within eps of each picture one step of 1.25 eps uphill, back within eps and [0, 1] (E. Wong, "
        "L. Rice, J. Z. Kolter, ICLR 2020). This is adversarial training; a network that learnt so is called hardened "
        "here. It costs a second pass through the network at each step. Accuracy on all "
        "10,000 test images, clean and under PGD with 40 steps and 5 restarts, the worst of which counts:"
    )
    rows = []
    for net, (title, recipe) in NETS.items():
        layers = read_settings(ROOT / recipe.strip("`")).get("layers", "")
        widths = " ".join(word.partition(":")[2] for word in layers.split() if ":" in word)
        metrics = [share(found[net][key]) for key in ("clean", "all 0.1", "all 0.3")]
        rows.append([title, recipe, widths, *metrics])
    made.table(["network", "recipe", "units", "clean", "PGD, eps = 0.1", "PGD, eps = 0.3"], rows)
    made.text(
        "How the recipes were chosen: by PGD with 40 steps and 5 restarts at eps = 0.1 on 1,000 validation images, one "
        "seed each, so that a difference of a point says little. All with batches of 128 and one cycle of the learning "
        "rate but the first, which is the default recipe with nothing changed but `--adversarial 0.1`: ten epochs of "
        "plain SGD are too few for it."
    )
    made.table(["units", "optimizer", "learning rate", "epochs", "trained at eps", "clean", "FGSM", "PGD"], TRIED)
    made.text(
        "More epochs help the small network. The wide one learns its training pictures by heart, attack and all (their "
        "loss falls to 0.03), unless its weights decay (0.10). Training at a larger eps is no gain: at 0.12 the small "
        "network learnt to foil the one step that it was trained against, 93% under FGSM and 81% under PGD."
    )


def _attacks(made: MarkdownPage, found: Found, pictures: Path) -> None:
    made.heading("Accuracy against eps")
    made.text(
        "FGSM takes one step along the sign of the gradient by the input (on all test images); PGD forty steps from "
        "each of five random starts (2,000 images); square search asks for probabilities alone, 2,000 times for each "
        "picture (1,000 images). Noise is uniform and as large as the attack may be."
    )
    eps = found["default"]["pgd"]["eps"]
    rows = []
    for net, (title, _) in NETS.items():
        for scenario, name in (("fgsm", "FGSM"), ("pgd", "PGD"), ("square", "square search")):
            here = dict(zip(found[net][scenario]["eps"], found[net][scenario]["accuracy"], strict=True))
            rows.append([title, name, *(share(here[e]) if e in here else "" for e in eps)])
        rows.append([title, "noise", *map(share, found[net]["pgd"]["noise"])])
    made.table(["network", "attack", *(f"{e:g}" for e in eps)], rows)
    made.image(f"{pictures.name}/default-pgd-curve.png", "Accuracy of the default network under PGD")
    made.image(f"{pictures.name}/hardened-pgd-curve.png", "Accuracy of the hardened network under PGD")
    made.text(
        "Ten pictures, the change at eps = 0.1 around mid grey, and what comes of it; above each what it was read as "
        "before and after. First the default network, then the hardened one:"
    )
    made.image(f"{pictures.name}/default-pgd.png", "Clean, change, attacked: the default network")
    made.image(f"{pictures.name}/hardened-pgd.png", "Clean, change, attacked: the hardened network")
    made.text("PGD where the length of the whole change, √Σ δ², is at most eps; 2,000 images:")
    eps = found["default"]["pgd-l2"]["eps"]
    made.table(
        ["network", *(f"{e:g}" for e in eps)],
        [[title, *map(share, found[net]["pgd-l2"]["accuracy"])] for net, (title, _) in NETS.items()],
    )
    made.text("How often PGD reaches one wrong class, drawn for each image, and how often any; 1,000 images:")
    eps = found["default"]["targeted"]["eps"]
    rows = [
        [title, what, *map(share, found[net]["targeted"][key])]
        for net, (title, _) in NETS.items()
        for what, key in (("the one", "reached"), ("any", "any_wrong"))
    ]
    made.table(["network", "class", *(f"{e:g}" for e in eps)], rows)


def _masking(made: MarkdownPage, found: Found, pictures: Path) -> None:
    made.heading("Is it robust, or does it hide its gradient?")
    made.text(
        "A network can make attacks fail that follow its gradient, and be as weak as before. Five signs of that "
        "(A. Athalye, N. Carlini, D. Wagner, ICML 2018), on 1,000 test images at eps = 0.1. At eps = 0.5 any picture "
        "can be made an even grey: an attack after which more is read right than by a guess was no good."
    )
    signs = [key for key, value in found["default"]["masking"].items() if isinstance(value, float)]
    names = {"left": "read right at eps = 0.5", "guess": "the commonest class"}
    rows = [[names.get(key, key), *(share(found[net]["masking"][key]) for net in NETS)] for key in signs]
    made.table(["share of images", *(title for title, _ in NETS.values())], rows)


def _corruptions(made: MarkdownPage, found: Found, pictures: Path) -> None:
    made.heading("Fifteen kinds of damage")
    made.text(
        "In the style of MNIST-C, in five severities, one picture of each in the sheet below. Accuracy of the default "
        "network on 2,000 test images; then how many times as many errors as on clean pictures, the mean over the "
        "severities; then the mean accuracy of the hardened networks."
    )
    default = found["default"]["corruptions"]
    rows = []
    for name, values in default["accuracy"].items():
        others = [sum(found[net]["corruptions"]["accuracy"][name]) / 5 for net in ("hardened", "wide")]
        relative = f"{default['error_relative_to_clean'][name]:.1f}"
        rows.append([name, *map(share, values), share(sum(values) / 5), relative, *map(share, others)])
    mean = [
        share(sum(sum(v) / 5 for v in found[net]["corruptions"]["accuracy"].values()) / len(rows)) for net in NETS
    ]
    rows.append(["all", *[""] * 5, mean[0], "", *mean[1:]])
    made.table(["damage", "1", "2", "3", "4", "5", "mean", "errors ×", "hardened", "hardened, wide"], rows)
    made.image(f"{pictures.name}/default-corruptions.png", "Fifteen kinds of damage in five severities")


def _confidence(made: MarkdownPage, found: Found, pictures: Path) -> None:
    made.heading("Confidence")
    made.text(
        "Expected calibration error in 15 bins (C. Guo et al., ICML 2017) on all test images. The threshold is the "
        "confidence that keeps 99% of the clean validation images; a picture below it is refused. 2,000 pictures of "
        "each odd kind: uniform noise, one shade all over, letters of a font, two digits side by side."
    )
    kinds = list(found["default"]["refusal"]["refused"])
    rows = []
    for net, (title, _) in NETS.items():
        here, sure = found[net]["refusal"], found[net]["calibration"]
        cells = [f"{here['refused'][kind]:.1%} ({here['confidence'][kind]:.0%})" for kind in kinds]
        rows.append([title, f"{sure['ece']:.2%}", share(here["threshold"]), *cells])
    made.table(["network", "ECE", "threshold", *(f"{kind}: refused (mean confidence)" for kind in kinds)], rows)
    made.text(
        'A softmax over ten classes cannot say "none of them". Letters and pairs of digits are refused more often '
        "than clean pictures, and most of them are still read as some digit. Of noise and blank pictures nothing can "
        "be promised: far from what it learnt from, a network may be as sure as ever. Who has to refuse what is no "
        "digit must teach it, with a class of its own."
    )
    made.image(f"{pictures.name}/default-calibration.png", "Share right against confidence: the default network")
    made.image(f"{pictures.name}/default-refusal.png", "Noise, blank pictures, letters, two digits")


def _verdicts(made: MarkdownPage, found: Found, pictures: Path) -> None:
    made.heading("What the drills expect, and their verdicts")
    from nnlaw.nn.stress.scenario import SCENARIOS

    scenarios = [name for name in SCENARIOS if name in found["default"]]
    rows = [[name, SCENARIOS[name].expected, *(found[net][name]["outcome"] for net in NETS)] for name in scenarios]
    made.table(["drill", "expected", *(title for title, _ in NETS.values())], rows)
