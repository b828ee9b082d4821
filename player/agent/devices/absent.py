"""What the API knows and this box has not, by areas of paths: fleets and accounts, and what this player does not do.

An area is the beginning of a path below `/v1`; "*" stands for any piece. Whatever no row of the table answers there is answered
with 501.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

FLEET = "this is a matter of a fleet or an account; here is one box"
AREAS: Mapping[str, str] = {
    "account": FLEET,
    "alert": FLEET,
    "alert-rule": FLEET,
    "bulk-operation": FLEET,
    "bulk-provisioning": FLEET,
    "company": FLEET,
    "content-guard": FLEET,
    "custom-script": FLEET,
    "device/*/organization": FLEET,
    "emulator": FLEET,
    "firmware": FLEET,
    "organization": FLEET,
    "package/*/file": FLEET,
    "package/*/version": FLEET,
    "plugin": FLEET,
    "runner": FLEET,
}


def why_absent(path: Sequence[str]) -> str | None:
    """Why a path, in pieces, is known and not answered here; None: it is not known either."""
    return next((why for area, why in AREAS.items() if _begins(path[1:], area.split("/"))), None)


def _begins(path: Sequence[str], area: Sequence[str]) -> bool:
    return len(path) >= len(area) and all(want in ("*", piece) for want, piece in zip(area, path, strict=False))
