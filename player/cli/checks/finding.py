"""What a check found: one line of `doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CheckResult(StrEnum):
    """What became of a check."""

    PASSED = "passed"
    FAILED = "failed"
    ABSENT = "not present"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line; `needed`: failing makes the command fail."""

    ability: str
    result: CheckResult
    detail: str
    remedy: str = ""
    needed: bool = False


def passed(ability: str, detail: str) -> Finding:
    """The ability is there."""
    return Finding(ability, CheckResult.PASSED, detail)


def failed(ability: str, detail: str, remedy: str, *, needed: bool = True) -> Finding:
    """It should be there and does not work."""
    return Finding(ability, CheckResult.FAILED, detail, remedy, needed)


def absent(ability: str, detail: str, remedy: str = "") -> Finding:
    """This box does not have it, and goes without."""
    return Finding(ability, CheckResult.ABSENT, detail, remedy)
