"""Make the arrays of the edge-case matrix: fixtures/edge_cases/arrays.safetensors, and SHA256SUMS over the folder.

    python benchmarks/edge_cases.py      the rows are in fixtures/edge_cases/matrix.toml, written by hand

A data set is NAME/train_images, /train_labels, /test_images, /test_labels, all uint8;
missing ones are those of `digits`.
A batch is NAME/x and NAME/labels; missing ones are those of `plain`. Weights are NAME/W.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

FOLDER = Path(__file__).parents[1] / "fixtures" / "edge_cases"
Arrays = dict[str, Any]


def images_of(rng: np.random.Generator, prototypes: Any, labels: Any) -> Any:
    """Images of 8×8: the prototype of their class plus noise with a standard deviation of 32 gray levels."""
    noise = rng.normal(0, 32, (len(labels), 8, 8))
    return (0.7 * prototypes[labels] + 32 + noise).clip(0, 255).astype(np.uint8)


def data_sets(rng: np.random.Generator) -> Arrays:
    """Every data set, by name."""
    prototypes = rng.integers(0, 256, (10, 8, 8))

    def sampled(labels: Any) -> tuple[Any, Any]:
        return images_of(rng, prototypes, labels), labels.astype(np.uint8)

    images, labels = sampled(rng.permutation(np.arange(300) % 10))
    test_images, test_labels = sampled(np.arange(60) % 10)
    found = {
        "digits/train_images": images,
        "digits/train_labels": labels,
        "digits/test_images": test_images,
        "digits/test_labels": test_labels,
        "empty/train_images": images[:0],
        "empty/train_labels": labels[:0],
        "one_sample/train_images": images[:1],
        "one_sample/train_labels": labels[:1],
        "one_class/train_images": images,
        "one_class/train_labels": np.full_like(labels, 3),
        "all_black/train_images": np.zeros_like(images),
        "all_white/train_images": np.full_like(images, 255),
        "labels_from_1/train_labels": labels + 1,
        "label_255/train_labels": np.where(np.arange(300) == 7, 255, labels).astype(np.uint8),
        "one_label_short/train_labels": labels[:-1],
        "wider_test/test_images": np.zeros((60, 8, 9), np.uint8),
    }
    constant, constant_test = images.copy(), test_images.copy()
    constant[:, :, ::2] = constant_test[:, :, ::2] = 200
    found |= {"constant_pixels/train_images": constant, "constant_pixels/test_images": constant_test}
    common = sampled(rng.permutation(np.arange(999) % 9))
    rare = sampled(np.array([9]))
    for name, many, one in zip(("images", "labels"), common, rare, strict=True):
        found[f"rare_class/train_{name}"] = np.concatenate([many, one])
    twice, other = images.copy(), labels.copy()
    twice[100:120], other[100:120] = images[:20], (labels[:20] + 1) % 10
    found |= {"two_labels/train_images": twice, "two_labels/train_labels": other}
    return found


def batches(rng: np.random.Generator) -> Arrays:
    """Every batch (16, 64), by name."""
    x, labels = rng.standard_normal((16, 64)).astype(np.float32), rng.integers(0, 10, 16)
    found = {"plain/x": x, "plain/labels": labels}

    def put(name: str, value: float) -> None:
        found[f"{name}/x"] = x.copy()
        found[f"{name}/x"][3, 5] = value

    for name, value in {"nan": np.nan, "inf": np.inf, "minus_inf": -np.inf, "huge_pixel": 1e38}.items():
        put(name, value)
    found |= {
        "huge/x": np.float32(1e38) * np.sign(x),
        "tiny/x": np.float32(1e-38) * np.sign(x),
        "denormal/x": np.float32(1e-42) * np.sign(x),
        "minus_zero/x": np.full_like(x, -0.0),
        "far/x": np.float32(1e4) * np.sign(x),
        "integer/x": np.round(3 * x).astype(np.int64),
        "float64/x": x.astype(np.float64),
        "narrow/x": np.ascontiguousarray(x[:, :60]),
        "offset/x": x + np.float32(1e4),
        "collinear/x": np.repeat(x[:, :8], 8, axis=1),
        "empty/x": x[:0],
        "empty/labels": labels[:0],
        "one/x": x[:1],
        "one/labels": labels[:1],
        "same/x": np.repeat(x[:1], 16, axis=0),
        "negative/labels": np.where(np.arange(16) == 4, -1, labels),
        "from_1/labels": np.arange(16) % 10 + 1,
        "beyond/labels": np.where(np.arange(16) == 4, 255, labels),
        "float/labels": labels.astype(np.float32),
        "short/labels": labels[:15],
    }
    return found


def weights(rng: np.random.Generator) -> Arrays:
    """Weights (64, 10) of one dense layer, by name."""
    rank_one = np.outer(rng.standard_normal(64), rng.standard_normal(10)) / 8
    near = rank_one + 1e-6 * rng.standard_normal((64, 10))
    wide = 1e4 / 8 * np.sign(rng.standard_normal((64, 10)))
    return {"near_singular/W": near.astype(np.float32), "logits_1e4/W": wide.astype(np.float32)}


def main() -> None:
    """Write the arrays, then the checksum of every file of the folder."""
    rng = np.random.default_rng(0)
    arrays = data_sets(rng) | batches(rng) | weights(rng)
    (FOLDER / "arrays.safetensors").write_bytes(save({name: np.ascontiguousarray(a) for name, a in arrays.items()}))
    files = sorted(path for path in FOLDER.iterdir() if path.is_file() and path.name != "SHA256SUMS")
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (FOLDER / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")


if __name__ == "__main__":
    main()
