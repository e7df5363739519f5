"""From a unit to its report, with any exception of the code under test.

    check_unit(unit, [], seed=0)
"""

from __future__ import annotations

from collections.abc import Sequence

from nnlaw.nn.plugins.errors import describe_internal_error, is_internal, user_code_line
from nnlaw.spec.conformance import codes_of, conformance
from nnlaw.spec.declared_exceptions import DeclaredException
from nnlaw.spec.discovery.found import Found
from nnlaw.spec.report import Report
from nnlaw.spec.subjects.remote_error import RemoteError
from nnlaw.spec.subjects.remote_subject import SubjectEnded
from nnlaw.spec.subjects.unit import Unit
from nnlaw.spec.violation import BadInput, relative_to_cwd


def check_unit(
    unit: Unit | Found,
    laws: list[str],
    seed: int,
    *,
    explain: bool = True,
    expected: dict[str, str] | None = None,
    ignores: Sequence[DeclaredException] = (),
) -> Report:
    """Check one unit as conformance() does. If it can't be checked, the report has the reason."""
    try:
        return conformance(unit, laws or None, seed=seed, explain=explain, expected=expected, ignores=ignores)
    except BadInput as error:
        reason = str(error) if unit.name in str(error) else f"{label_of(unit)}: {error}"
    except SubjectEnded:
        raise
    except Exception as error:  # raised by the code under test in an unexpected place, or a bug in nn
        if is_internal(error) and not isinstance(error, RemoteError):  # what that process sends may be made up
            reason = f"{label_of(unit)}: {describe_internal_error(error)}"
            return Report(unit.name, unit.kind, reason=reason, internal=True)
        reason = _raised(unit, error)
    except BaseException as error:  # SystemExit, KeyboardInterrupt
        reason = _raised(unit, error)
    return Report(unit.name, unit.kind, reason=reason)


def label_of(unit: Unit | Found) -> str:
    """Place, kind and name; without the place if it can't be found."""
    try:
        return unit.label
    except SubjectEnded:
        raise
    except BaseException:  # raised by the code under test
        return f"{unit.kind} {unit.name}"


def is_checked_by(unit: Unit | Found, laws: Sequence[str]) -> bool:
    """Whether any of the laws applies to the unit's kind; True if `laws` is empty."""
    return not laws or bool(codes_of(unit.kind) & set(laws))


def _raised(unit: Unit | Found, error: BaseException) -> str:
    line = relative_to_cwd(user_code_line(error))
    place = f"{line}: {unit.kind} {unit.name}" if line else label_of(unit)
    return f"{place}: raised {type(error).__name__}{f': {error}' if str(error) else ''}"
