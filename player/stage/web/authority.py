"""Whom the browser trusts beside its own list: it reads that from a database of NSS in its home, which certutil writes."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from player.errors import BoxError
from player.runtime.systemd import child_environment
from player.stage.web.quarters import Quarters

LIMIT_S = 20.0
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_SIGNS_SERVERS = "C,,"  # certutil's words for an authority behind servers, and behind nothing else


async def trust(quarters: Quarters, ca_file: str) -> None:
    """Lets a browser that lives there trust the authorities in `ca_file` (PEM). Raises BoxError."""
    try:
        found = _CERTIFICATE.findall(await asyncio.to_thread(Path(ca_file).read_text, encoding="utf-8", errors="replace"))
    except OSError as error:
        raise BoxError("certificates", f"{error.filename or ca_file}: {error.strerror}") from error
    if not found:
        raise BoxError("certificates", f"{ca_file} holds none")
    database = quarters.folder / ".pki" / "nssdb"
    await _run(quarters, "", "coreutils", "mkdir", "-p", "-m", "700", str(database))
    await _certutil(quarters, database, "", "-N", "--empty-password")
    for number, certificate in enumerate(found):
        await _certutil(quarters, database, certificate, "-A", "-a", "-n", f"authority {number}", "-t", _SIGNS_SERVERS)


async def _certutil(quarters: Quarters, database: Path, told: str, *arguments: str) -> None:
    await _run(quarters, told, "libnss3-tools", "certutil", "-d", f"sql:{database}", *arguments)


async def _run(quarters: Quarters, told: str, package: str, *command: str) -> None:
    ran = await quarters.run(command, child_environment(None), package=package, within_s=LIMIT_S, told=f"{told}\n".encode("ascii"))
    if ran.code:
        raise BoxError("certificates", f"{command[0]} refuses them: {ran.complained[-200:]}")
