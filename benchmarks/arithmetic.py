"""The questions of docs/evidence.md that arithmetic answers, without a training. Each takes the lab."""

from __future__ import annotations

import numpy as np
from lab import Lab


def fused(lab: Lab) -> None:
    """a − y."""
    from nnlaw.nn.trace.number_format import array_text
    from nnlaw.nn.trace.trace import gradient_through_probabilities
    from nnlaw.nn.trace.worked_example import WorkedExample

    page = lab.page.heading("Why is the gradient of softmax with cross-entropy just a − y?")
    found = WorkedExample("dense:3", "softmax_cross_entropy", [[1, 2]], [1]).trace()
    page.text(
        "Because what the logarithm divides by, the softmax multiplies by. dL/dp is −1/p at the right class; the "
        "softmax turns it into dz = Jᵀ dp, J = diag(p) − p pᵀ; at the right class −1/p · p(1 − p) = p − 1, elsewhere "
        "−1/p · (−p pⱼ) = pⱼ. Both ways in numbers, beside the finite difference, by "
        '`nn trace --layers "dense:3" --loss softmax_cross_entropy --x 1,2 --y 1`:'
    )
    route = gradient_through_probabilities(found)
    lines = [f"{name} = {array_text(np.round(value, 6))}" for name, value in route.items()]
    fast, slow = found.output.analytic, found.output.numeric
    p = found.network.loss.probabilities(found.prediction)
    lines += [f"p - y  = {array_text(fast)}", f"finite difference = {array_text(slow)}"]
    page.code([f"p = {array_text(p)}", "y = [[0, 1, 0]]", *lines])
    page.text("With logits of ±1000 the long route divides 0 by 0; the fused one is exact:")
    lab.python(
        "z, y = np.array([1000.0, -1000.0, 0.0]), np.array([0.0, 1.0, 0.0])\n"
        "e = np.exp(z - z.max()); p = e / e.sum()\n"
        "print('long: ', (np.diag(p) - np.outer(p, p)) @ (-y / p))\n"
        "print('fused:', p - y)"
    )


def log_sum_exp(lab: Lab) -> None:
    """Stable against naive."""
    page = lab.page.heading("Why log-sum-exp?")
    page.text(
        "exp overflows at 710 in float64 and at 89 in float32, so the textbook's formula is nan for a logit of 1000, "
        "and inf where the right class has the small one. It also loses the loss of a confident network, where p "
        "rounds to 1. log Σ exp(z − m) + m − z_y, m the largest logit, is right in all of these; it is what the loss "
        "here computes."
    )
    lab.python(
        "def naive(z, y): p = np.exp(z) / np.exp(z).sum(); return -np.log(p[y])\n"
        "def stable(z, y): m = z.max(); return np.log(np.exp(z - m).sum()) - (z[y] - m)\n"
        "for text, z, y in (('ordinary', [1, 2, 3], 2), ('1000, right', [1000, 0, 0], 0),\n"
        "                   ('1000, wrong', [1000, 0, 0], 1), ('-1000', [-1000, 0, 0], 0),\n"
        "                   ('confident', [40, 0, 0], 0)):\n"
        "    z = np.array(z, float)\n"
        "    print(f'{text:12}  naive {naive(z, y):<22}  stable {stable(z, y):<22}')"
    )


def offset(lab: Lab) -> None:
    """x + 1e4."""
    page = lab.page.heading("What does a large common offset do?")
    page.text(
        "Adding 10,000 to every input changes no variance, on paper. In float32 numbers near 10,000 lie 0.001 apart, "
        "and the short formula E[x²] − E[x]² subtracts two numbers near 10⁸ that lie 8 apart, to find a 1. The "
        "two-pass formula subtracts first. Standardize before anything is computed; the law `range` judges it at "
        "each --strict run."
    )
    lab.python(
        "x = np.random.default_rng(0).standard_normal(100_000).astype(np.float32)\n"
        "for shift in (0, 1e2, 1e3, 1e4, 1e5):\n"
        "    s = (x + np.float32(shift)).astype(np.float32)\n"
        "    short, two_pass = (s * s).mean() - s.mean() ** 2, ((s - s.mean()) ** 2).mean()\n"
        "    print(f'offset {shift:>8g}   E[x²] − E[x]² = {short:<12.6g} two-pass = {two_pass:.6g}')"
    )
