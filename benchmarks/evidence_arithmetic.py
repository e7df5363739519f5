"""The questions of docs/evidence.md that need no training."""

from __future__ import annotations

import numpy as np
from evidence_page import EvidencePage


def softmax_gradient(evidence: EvidencePage) -> None:
    """The gradient of softmax with cross-entropy."""
    from nnlaw.nn.trace.number_format import array_text
    from nnlaw.nn.trace.trace import gradient_through_probabilities
    from nnlaw.nn.trace.worked_example import WorkedExample

    page = evidence.page.heading("Why is the gradient of softmax with cross-entropy just a − y?")
    found = WorkedExample("dense:3", "softmax_cross_entropy", [[1, 2]], [1]).trace()
    page.text(
        "Because the logarithm divides by p, and the softmax multiplies by it. dL/dp is −1/p at the correct class; the "
        "softmax turns it into dz = Jᵀ dp, J = diag(p) − p pᵀ; at the correct class −1/p · p(1 − p) = p − 1, elsewhere "
        "−1/p · (−p pⱼ) = pⱼ. Both computations in numbers, beside the finite difference, by "
        '`nn trace --layers "dense:3" --loss softmax_cross_entropy --x 1,2 --y 1`:'
    )
    parts = gradient_through_probabilities(found)
    lines = [f"{name} = {array_text(np.round(value, 6))}" for name, value in parts.items()]
    simplified, numeric = found.output.analytic, found.output.numeric
    p = found.network.loss.probabilities(found.prediction)
    lines += [f"p - y  = {array_text(simplified)}", f"finite difference = {array_text(numeric)}"]
    page.code([f"p = {array_text(p)}", "y = [[0, 1, 0]]", *lines])
    page.text("With logits of ±1000 the two factors divide 0 by 0; the simplified formula is exact:")
    evidence.python(
        "z, y = np.array([1000.0, -1000.0, 0.0]), np.array([0.0, 1.0, 0.0])\n"
        "e = np.exp(z - z.max()); p = e / e.sum()\n"
        "print('two factors:', (np.diag(p) - np.outer(p, p)) @ (-y / p))\n"
        "print('simplified: ', p - y)"
    )


def log_sum_exp(evidence: EvidencePage) -> None:
    """The stable and the naive formula."""
    page = evidence.page.heading("Why log-sum-exp?")
    page.text(
        "exp overflows at 710 in float64 and at 89 in float32, so the naive formula gives nan for a logit of 1000, and "
        "inf if the correct class has a small one. It also gives 0 for a confident network, because p rounds to 1. "
        "log Σ exp(z − m) + m − z_y, m the largest logit, is correct in all of these cases; the losses of nn use it."
    )
    evidence.python(
        "def naive(z, y): p = np.exp(z) / np.exp(z).sum(); return -np.log(p[y])\n"
        "def stable(z, y): m = z.max(); return np.log(np.exp(z - m).sum()) - (z[y] - m)\n"
        "for text, z, y in (('ordinary', [1, 2, 3], 2), ('1000, correct', [1000, 0, 0], 0),\n"
        "                   ('1000, wrong', [1000, 0, 0], 1), ('-1000', [-1000, 0, 0], 0),\n"
        "                   ('confident', [40, 0, 0], 0)):\n"
        "    z = np.array(z, float)\n"
        "    print(f'{text:13}  naive {naive(z, y):<22}  stable {stable(z, y):<22}')"
    )


def offset(evidence: EvidencePage) -> None:
    """Inputs far from 0."""
    page = evidence.page.heading("What does a large common offset do?")
    page.text(
        "In exact arithmetic, adding 10,000 to every input does not change the variance. In float32, numbers near "
        "10,000 are 0.001 apart, and the short formula E[x²] − E[x]² subtracts two numbers near 10⁸, which are 8 "
        "apart, to compute 1. The two-pass formula subtracts first. Standardize the inputs; the law `range` checks it "
        "in each --strict run."
    )
    evidence.python(
        "x = np.random.default_rng(0).standard_normal(100_000).astype(np.float32)\n"
        "for shift in (0, 1e2, 1e3, 1e4, 1e5):\n"
        "    s = (x + np.float32(shift)).astype(np.float32)\n"
        "    short, two_pass = (s * s).mean() - s.mean() ** 2, ((s - s.mean()) ** 2).mean()\n"
        "    print(f'offset {shift:>8g}   E[x²] − E[x]² = {short:<12.6g} two-pass = {two_pass:.6g}')"
    )
