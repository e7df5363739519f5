"""Literature about each law: chapters, papers and course notes.

    references("layer", "gradient")     the nearest texts, or () for a kind without any
"""

from __future__ import annotations

DL = "Goodfellow, Bengio, Courville, *Deep Learning* (2016, deeplearningbook.org)"
GLOROT = (
    "X. Glorot, Y. Bengio, *Understanding the difficulty of training deep feedforward neural networks*, AISTATS 2010"
)
HE = "K. He et al., *Delving Deep into Rectifiers*, ICCV 2015"
OVERFLOW = f"{DL}, section 4.1, Overflow and Underflow"
SOFTMAX = f"{DL}, section 6.2.2.3, Softmax Units for Multinoulli Output Distributions"
INITIALIZATION = f"{DL}, section 8.4, Parameter Initialization Strategies"
MINIBATCHES = f"{DL}, section 8.1.3, Batch and Minibatch Algorithms"

BY_LAW: dict[tuple[str, str], tuple[str, ...]] = {
    ("layer", "gradient"): (f"{DL}, section 6.5, Back-Propagation", "Stanford CS231n, notes on gradient checks"),
    ("layer", "dropout-mean"): ("N. Srivastava et al., *Dropout*, JMLR 15, 2014",),
    ("layer", "train-eval"): (f"{DL}, section 7.12, Dropout", f"{DL}, section 8.7.1, Batch Normalization"),
    ("layer", "normalized"): ("S. Ioffe, C. Szegedy, *Batch Normalization*, ICML 2015",),
    ("loss", "gradient"): (SOFTMAX, "Stanford CS231n, notes on gradient checks"),
    ("loss", "stable"): (OVERFLOW,),
    ("loss", "shift-invariant"): (f"{OVERFLOW}, equation 4.1",),
    ("loss", "loss-mean"): (MINIBATCHES,),
    ("optimizer", "first-step"): ("D. P. Kingma, J. Ba, *Adam*, ICLR 2015, section 3, bias correction",),
    ("initializer", "variance"): (GLOROT, HE),
    ("model", "overfits"): (f"{DL}, section 11.5, Debugging Strategies: fit a tiny data set",),
    ("model", "initial-loss"): ("Stanford CS231n, notes on sanity checks: the loss at chance performance",),
    ("model", "symmetry"): (INITIALIZATION,),
    ("model", "own-draws"): (INITIALIZATION,),
    ("model", "input-gradient"): ("I. Goodfellow et al., *Explaining and Harnessing Adversarial Examples*, ICLR 2015",),
    ("model", "vanishing-gradient"): (f"{DL}, section 8.2.5, Long-Term Dependencies", GLOROT),
    ("data", "one-label"): ("C. G. Northcutt et al., *Pervasive Label Errors in Test Sets*, NeurIPS 2021",),
}
BY_CODE = {
    "finite": (OVERFLOW,),
    "simplex": (SOFTMAX,),
    "domain": (OVERFLOW,),
    "gradient": (f"{DL}, section 11.5, Debugging Strategies: compare derivatives to numerical ones",),
    "live-units": (f"{DL}, section 6.3.1, Rectified Linear Units and Their Generalizations",),
    "disjoint": (f"{DL}, section 5.3, Hyperparameters and Validation Sets",),
    "dtype": ("D. Goldberg, *What Every Computer Scientist Should Know About Floating-Point Arithmetic*, 1991",),
}
BY_KIND = {
    "call": ("The protocol of a unit, docs/plugins.md", "NumPy user guide, *Copies and views*"),
    "layer": (f"{DL}, section 6.5, Back-Propagation",),
    "loss": (f"{DL}, section 6.2.1, Cost Functions",),
    "optimizer": (f"{DL}, sections 8.3 and 8.5, Basic Algorithms and Adaptive Learning Rates",),
    "initializer": (INITIALIZATION,),
    "schedule": (f"{DL}, section 8.3.1, Stochastic Gradient Descent: the learning rate over time",),
    "batches": (MINIBATCHES,),
    "metric": (f"{DL}, section 11.1, Performance Metrics",),
    "utility": (f"{DL}, sections 10.11.1 and 11.5, Clipping Gradients, Debugging Strategies",),
    "model": (f"{DL}, section 11.5, Debugging Strategies",),
    "data": (f"{DL}, section 5.3, Hyperparameters and Validation Sets",),
    "training": (f"{DL}, section 11.5, Debugging Strategies",),
}


def references(kind: str, code: str) -> tuple[str, ...]:
    """The nearest texts: those of the law, else of its code, else of its kind; () for a kind without any."""
    return BY_LAW.get((kind, code)) or BY_CODE.get(code) or BY_KIND.get(kind, ())
