"""What to read about a law: a chapter or a paper, by (kind, code), by code, or by kind.

DL is I. Goodfellow, Y. Bengio, A. Courville, Deep Learning (MIT Press 2016), free at deeplearningbook.org.
"""

from __future__ import annotations

DL = "Goodfellow, Bengio, Courville, Deep Learning (2016), deeplearningbook.org"

BY_LAW = {
    ("layer", "gradient"): f"{DL}, section 6.5, Back-Propagation; Stanford CS231n, notes on gradient checks",
    ("loss", "gradient"): f"{DL}, section 6.2.2.3, Softmax Units for Multinoulli Output Distributions",
    ("loss", "stable"): f"{DL}, section 4.1, Overflow and Underflow",
    ("loss", "shift-invariant"): f"{DL}, section 4.1, Overflow and Underflow, equation 4.1",
    ("loss", "loss-mean"): f"{DL}, section 8.1.3, Batch and Minibatch Algorithms",
    ("model", "overfits"): f"{DL}, section 11.5, Debugging Strategies: fit a tiny dataset",
    ("model", "initial-loss"): "Stanford CS231n, notes on sanity checks: the correct loss at chance performance",
    ("model", "symmetry"): f"{DL}, section 8.4, Parameter Initialization Strategies",
    ("model", "input-gradient"): "I. Goodfellow et al., Explaining and Harnessing Adversarial Examples, ICLR 2015",
    ("model", "own-draws"): f"{DL}, section 8.4, Parameter Initialization Strategies",
    ("model", "vanishing-gradient"): f"{DL}, section 8.2.5, Long-Term Dependencies; X. Glorot, Y. Bengio, AISTATS 2010",
    ("data", "one-label"): "C. G. Northcutt et al., Pervasive Label Errors in Test Sets, NeurIPS 2021",
    ("layer", "dropout-mean"): "N. Srivastava et al., Dropout, JMLR 15 (2014)",
    ("layer", "train-eval"): f"{DL}, section 7.12, Dropout; section 8.7.1, Batch Normalization",
    ("layer", "normalized"): "S. Ioffe, C. Szegedy, Batch Normalization, ICML 2015",
    ("optimizer", "first-step"): "D. P. Kingma, J. Ba, Adam, ICLR 2015, section 3: the correction of the start at zero",
    ("initializer", "variance"): "X. Glorot, Y. Bengio, AISTATS 2010; K. He et al., ICCV 2015",
}
BY_CODE = {
    "finite": f"{DL}, section 4.1, Overflow and Underflow",
    "simplex": f"{DL}, section 6.2.2.3, Softmax Units for Multinoulli Output Distributions",
    "domain": f"{DL}, section 4.1, Overflow and Underflow",
    "gradient": f"{DL}, section 11.5, Debugging Strategies: compare back-propagated derivatives to numerical ones",
    "live-units": f"{DL}, section 6.3.1, Rectified Linear Units and Their Generalizations",
    "disjoint": f"{DL}, section 5.3, Hyperparameters and Validation Sets",
    "dtype": "D. Goldberg, What Every Computer Scientist Should Know About Floating-Point Arithmetic (1991)",
}
BY_KIND = {
    "call": "docs/plugins.md, the protocol; NumPy user guide, Copies and views",
    "layer": f"{DL}, section 6.5, Back-Propagation",
    "loss": f"{DL}, section 6.2.1, Cost Functions",
    "optimizer": f"{DL}, sections 8.3 and 8.5, Basic Algorithms and Adaptive Learning Rates",
    "initializer": f"{DL}, section 8.4, Parameter Initialization Strategies",
    "schedule": f"{DL}, section 8.3.1, Stochastic Gradient Descent: the learning rate over time",
    "batches": f"{DL}, section 8.1.3, Batch and Minibatch Algorithms",
    "metric": f"{DL}, section 11.1, Performance Metrics",
    "model": f"{DL}, section 11.5, Debugging Strategies",
    "data": f"{DL}, section 5.3, Hyperparameters and Validation Sets",
    "training": f"{DL}, section 11.5, Debugging Strategies",
}


def reading(kind: str, code: str) -> str:
    """The nearest chapter or paper, or "" for a kind that has none."""
    return BY_LAW.get((kind, code)) or BY_CODE.get(code) or BY_KIND.get(kind, "")
