"""What a check found: one line of `doctor`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. `result`: passed | failed | not present; `needed`: failing makes the command fail."""

    ability: str
    result: str
    detail: str
    remedy: str = ""
    needed: bool = False


def passed(ability: str, detail: str) -> Finding:
    """The ability is there."""
    return Finding(ability, "passed", detail)


def failed(ability: str, detail: str, remedy: str, *, needed: bool = True) -> Finding:
    """It should be there and does not work."""
    return Finding(ability, "failed", detail, remedy, needed)


def absent(ability: str, detail: str, remedy: str = "") -> Finding:
    """This box does not have it, and goes without."""
    return Finding(ability, "not present", detail, remedy)
