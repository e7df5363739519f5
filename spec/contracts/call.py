"""One call of an array function, as the call laws check it: the inputs before it runs, the outputs after it.

    Call(location, owner, contract, {"input": x})                       before
    Call(location, owner, contract, {"input": x}, {"output": y})        after
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.shapes import Contract, Dims, resolve
from nnlaw.spec.violation import Location, Violation


@dataclass
class Call:
    """One call: the owner, the contract, the arrays, and the exception if it raised one.

    `outputs` and `error` are empty before the call runs.
    """

    location: Location
    owner: object
    contract: Contract
    inputs: dict[str, Any]
    outputs: dict[str, Any] = field(default_factory=dict)
    error: Exception | None = None

    @property
    def arrays(self) -> dict[str, Any]:
        """The arrays to check: the inputs before the call, the outputs after it."""
        return self.outputs or self.inputs

    @property
    def dims(self) -> Dims:
        """The dimensions of the contract that are integer attributes of the owner."""
        return resolve(self.contract, self.owner)

    def violation(self, law_code: str, **fields: Any) -> Violation:
        """A violation at the location of this call."""
        return Violation(law_code, location=self.location, **fields)


def named_outputs(names: tuple[str, ...], result: Any) -> dict[str, Array]:
    """Pair the returned arrays with the names of the contract's outputs; a contract without outputs returns a number.

    Extra arrays are named `output i`, so that the laws report them.
    """
    names = names or ("result",)
    results = result if isinstance(result, tuple) and len(names) > 1 else (result,)
    more = (f"output {i}" for i in range(len(names), len(results)))
    return dict(zip((*names, *more), results, strict=False))
