"""What an update bundle says of itself, and whether it may be installed here (faults U1, U2). Pure.

A bundle is a tar whose first file is `manifest.json`, the second `manifest.sig`: an Ed25519 signature (64 bytes) over `SIGNED` and
the manifest's bytes. The manifest names every further file with its size and SHA-256, so the one signature covers them all, and it
is checked before anything else is read. What is inside is a source tree of the player with its own `scripts/install`, and the
Python packages that this needs in `wheels/`.

Two things it may say besides: `expires`, after which nobody installs it, so that no known hole serves for ever;
and `allow_older`, by which the owner of the key takes a version back. Without them it never expires.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
SIGNED = b"signage-player update, format 1\n"  # a signature of anything else by the same key is none of a bundle
FORMAT = 1
INSTALLER = "scripts/install"
MOST_FILES = 10_000
MOST_BYTES = 2 * 1024**3
LARGEST_MANIFEST, SIGNATURE_BYTES = 4 * 1024**2, 64
_PART = re.compile(r"(?!\.{1,2}(?:/|$))[A-Za-z0-9._+@ -]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_VERSION = re.compile(r"\d{1,6}(?:\.\d{1,6}){0,3}")
_WORD = re.compile(r"[A-Za-z0-9_.-]{0,40}")


@dataclass(frozen=True, slots=True)
class Part:
    """One file: its path below the bundle's root, its size in bytes, its SHA-256 in hexadecimal, whether it is a program."""

    path: str
    size: int
    sha256: str
    program: bool = False


@dataclass(frozen=True, slots=True)
class Bundle:
    """A version of the player for machines of one sort: `machine` as `uname -m` says it, `python` as "3.11".

    `expires`: seconds since the epoch, None for never; `allow_older`: it may replace a newer version.
    """

    version: str
    machine: str
    python: str
    parts: tuple[Part, ...]
    expires: float | None
    allow_older: bool

    def __str__(self) -> str:
        return f"version {self.version} for {self.machine} and Python {self.python}"


def encode(bundle: Bundle) -> bytes:
    """The bytes of `manifest.json`."""
    files = {part.path: {"size": part.size, "sha256": part.sha256, "program": part.program} for part in bundle.parts}
    about = {"format": FORMAT, "version": bundle.version, "machine": bundle.machine, "python": bundle.python}
    when = {} if bundle.expires is None else {"expires": datetime.fromtimestamp(bundle.expires, UTC).isoformat(timespec="seconds")}
    older = {"allow_older": True} if bundle.allow_older else {}
    return json.dumps({**about, **when, **older, "files": files}, indent=1, sort_keys=True).encode()


def parse(manifest: bytes) -> Bundle:
    """The inverse of `encode`. Raises ValueError with what is wrong, in words."""
    try:
        found = json.loads(manifest)
    except (ValueError, RecursionError) as error:
        raise ValueError("its manifest is not JSON") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ValueError(f"its manifest is not of format {FORMAT}, the only one that this version knows")
    version, machine, python = (str(found.get(key, "")) for key in ("version", "machine", "python"))
    if not _VERSION.fullmatch(version):
        raise ValueError(f"its version {version[:40]!r} is none")
    if not (_WORD.fullmatch(machine) and _WORD.fullmatch(python)):
        raise ValueError(f"it is for {machine[:40]!r} and Python {python[:40]!r}, which do not exist")
    files = found.get("files")
    if not isinstance(files, dict) or INSTALLER not in files:
        raise ValueError(f"it does not hold {INSTALLER}")
    return Bundle(version, machine, python, _parts(files.items()), _instant(found.get("expires")), found.get("allow_older") is True)


def _instant(said: Any) -> float | None:
    if said is None:
        return None
    try:
        at: datetime | None = datetime.fromisoformat(said)
        at = at.astimezone(UTC) if at is not None and at.tzinfo is not None else None
    except (TypeError, ValueError, OverflowError):  # the last beyond the years that there are
        at = None
    if at is None:
        raise ValueError(f"its end {str(said)[:40]!r} is not a time with its offset from UTC")
    return at.timestamp()


def _parts(files: Iterable[tuple[str, Any]]) -> tuple[Part, ...]:
    parts = tuple(_part(path, said) for path, said in files)
    if len(parts) > MOST_FILES or sum(part.size for part in parts) > MOST_BYTES:
        raise ValueError("it is larger than any version of the player")
    return parts


def _part(path: str, said: Any) -> Part:
    if len(path) > 250 or not all(_PART.fullmatch(piece) for piece in path.split("/")):
        raise ValueError(f"it names a file {path[:60]!r}, which is not a path inside a bundle")
    size, sha256 = (said.get("size"), said.get("sha256")) if isinstance(said, dict) else (None, None)
    if not isinstance(size, int) or size < 0 or not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise ValueError(f"it does not say what {path} must be like")
    return Part(path, size, sha256, said.get("program") is True)


def refusal(bundle: Bundle, *, running: str, highest: str, machine: str, python: str, not_before: float) -> str | None:
    """Why it is not installed on this machine, None when it may be.

    Version `running` runs here, `highest` is the highest that ever stayed ("" for none), and it is surely not earlier than
    `not_before`, in seconds since the epoch.
    """
    if (bundle.machine, bundle.python) != (machine, python):
        return f"it is {bundle}, and this machine is {machine} with Python {python}; take the bundle that was made for it"
    if bundle.expires is not None and not_before >= bundle.expires:
        until = datetime.fromtimestamp(bundle.expires, UTC)
        return f"it was to be installed until {until:%Y-%m-%d %H:%M} UTC; take one that was made since"
    if bundle.allow_older:
        return None
    if not is_newer(bundle.version, running):
        return f"it is version {bundle.version}, and {running} is installed; only a newer version replaces it"
    if is_newer(highest, bundle.version):
        return f"it is version {bundle.version}, and {highest} has run here; only one that says allow_older goes back"
    return None


def is_newer(version: str, than: str) -> bool:
    """Whether it comes after the other; 1.2 and 1.2.0 are the same, and "" is before all."""
    return _numbers(version) > _numbers(than)


def is_same(version: str, other: str) -> bool:
    """Whether they are one version: 1.2 and 1.2.0 are."""
    return _numbers(version) == _numbers(other)


def _numbers(version: str) -> tuple[int, ...]:
    """Comparable, whatever was written."""
    found = [int(number) for number in re.findall(r"\d{1,18}", version)[:4]]
    return (*found, *(0,) * (4 - len(found)))
