"""Make docs/stress-adversarial.md and its images: python benchmarks/adversarial.py mnist/ [RUNS]   (some minutes)

RUNS keeps the three trained networks and their results, so that a second call continues where the first one stopped.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # one thread gives the same bits on any machine; NumPy reads this once
ROOT = Path(__file__).parent.parent
RECIPES = {"default": "default.toml", "adversarial": "hardened.toml", "wide": "hardened-wide.toml"}
SCENARIOS = ("fgsm", "pgd", "pgd-l2", "square", "targeted", "masking", "corruptions", "calibration", "refusal")
IMAGES = {  # the scenarios whose images are on the page
    "default": ("pgd", "pgd-l2", "corruptions", "calibration", "refusal"),
    "adversarial": ("pgd",),
}


def trained(data: Path, runs: Path, name: str) -> Any:
    """The run of a recipe: the one in RUNS if it is finished and has these settings, else a new one."""
    from nnlaw.nn.core.reporter import SilentReporter
    from nnlaw.nn.core.settings import Settings, read_settings
    from nnlaw.nn.run_folder.folder import Run
    from nnlaw.nn.run_folder.metadata import read_run_settings
    from nnlaw.nn.training.session import prepare

    recipe = read_settings(ROOT / "examples" / RECIPES[name])
    settings, folder = Settings().with_changes(recipe | {"data": str(data)}), runs / name
    if (folder / "summary.json").exists() and read_run_settings(folder) == settings:
        return Run(folder)
    print(f"training {folder}", flush=True)
    run = Run.create(folder)
    prepare(settings).train(run, SilentReporter())
    return run


def measured(run: Any, name: str) -> dict[str, Any]:
    """The results of every scenario with --full, and of PGD with 40 steps and 5 restarts on all test images."""
    from nnlaw.nn.run_folder.metadata import read_run_settings
    from nnlaw.nn.stress.scenario import Context, run_scenario, scenarios
    from nnlaw.nn.training.session import prepare

    kept = run.folder / "results.json"
    found: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    parts = prepare(read_run_settings(run.folder)).split
    for eps in (0.1, 0.3):
        if f"all {eps}" not in found:
            found[f"all {eps}"] = on_all(run, parts, eps)
            print(f"{name}: {found[f'all {eps}']:.2%} at {eps}", flush=True)
            run.write_json("results.json", found)
    for scenario in SCENARIOS:
        if scenario in found:
            continue
        folder = run.folder / "scenarios" / scenario
        folder.mkdir(parents=True, exist_ok=True)
        row = run_scenario(scenarios()[scenario], Context(run, parts, folder, full=True))
        print(f"{name}: {scenario} {row.outcome} after {row.seconds:.0f} s: {row.observation.text}", flush=True)
        found[scenario] = {"outcome": row.outcome, "observed": row.observation.text} | row.observation.metrics
        run.write_json("results.json", found)
    if "clean" not in found:
        found["clean"] = json.loads((run.folder / "summary.json").read_text())["test_accuracy"]
        run.write_json("results.json", found)
    return found


def on_all(run: Any, parts: Any, eps: float) -> float:
    """Accuracy on all test images under PGD with 40 steps and 5 restarts."""
    import numpy as np

    from nnlaw.nn.stress.attacks.attacks import pgd
    from nnlaw.nn.stress.attacks.norm_ball import NormBall
    from nnlaw.nn.stress.scenario import Context
    from nnlaw.nn.stress.trained_network import trained_network

    of = trained_network(Context(run, parts, run.folder), 10**9, 10**9)
    ball, rng = NormBall("inf", eps), np.random.default_rng(0)
    return of.accuracy(pgd(of.target, of.x, of.labels, ball, rng, steps=40, restarts=5))


def main() -> None:
    """Train, run the scenarios, write the page."""
    sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]
    from adversarial_page import page

    if len(sys.argv) not in (2, 3):
        raise SystemExit("usage: python benchmarks/adversarial.py MNIST_FOLDER [RUNS]")
    os.environ["MPLCONFIGDIR"] = os.environ.get("MPLCONFIGDIR", tempfile.gettempdir())
    runs = Path(sys.argv[2] if len(sys.argv) == 3 else tempfile.mkdtemp(prefix="nn-adversarial-"))
    runs.mkdir(parents=True, exist_ok=True)
    data = Path(sys.argv[1]).resolve()
    found = {name: measured(trained(data, runs, name), name) for name in RECIPES}
    images = ROOT / "docs" / "stress"
    images.mkdir(exist_ok=True)
    for name, scenarios in IMAGES.items():
        for scenario in scenarios:
            for file in sorted((runs / name / "scenarios" / scenario).glob("*.png")):
                (images / f"{Path(RECIPES[name]).stem}-{file.name}").write_bytes(file.read_bytes())
    (ROOT / "docs" / "stress-adversarial.md").write_text(page(found, images).markdown(), encoding="utf-8")


if __name__ == "__main__":
    main()
