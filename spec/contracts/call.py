"""One call of an array function, as the laws of calls see it: who was called with what, and how it ended.

    Call(where, owner, contract, {"input": x})                       before it runs: the inputs are judged
    Call(where, owner, contract, {"input": x}, {"output": y})        after it: the outputs are judged
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.shapes import Contract, Dims, resolve
from nnlaw.spec.violation import Location, Violation


@dataclass
class Call:
    """One call: who was called with what, and how it ended.

    `outputs` and `error` are empty while the call is judged before it runs.
    """

    location: Location
    owner: object
    contract: Contract
    inputs: dict[str, Any]
    outputs: dict[str, Any] = field(default_factory=dict)
    error: Exception | None = None

    @property
    def arrays(self) -> dict[str, Any]:
        """What this half of the call is judged on: the inputs before, the outputs after."""
        return self.outputs or self.inputs

    @property
    def dims(self) -> Dims:
        """The dimensions that are numbers on the owner."""
        return resolve(self.contract, self.owner)

    def violation(self, law_code: str, **fields: Any) -> Violation:
        """A violation at the place of this call."""
        return Violation(law_code, location=self.location, **fields)


def named_outputs(names: tuple[str, ...], result: Any) -> dict[str, Array]:
    """Pair what a call returned with the names of the contract's outputs; a contract without any promises a number.

    What is returned beyond them is named, too, so that it is told of."""
    names = names or ("result",)
    results = result if isinstance(result, tuple) and len(names) > 1 else (result,)
    more = (f"output {i}" for i in range(len(names), len(results)))
    return dict(zip((*names, *more), results, strict=False))
