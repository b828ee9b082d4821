"""Whom the browser trusts beside its own list: it reads that from a database of NSS in its home, which certutil writes."""

from __future__ import annotations

import asyncio
import re
import tempfile
from pathlib import Path

from player.errors import BoxError
from player.runtime.programs import run_program
from player.runtime.systemd import child_environment

LIMIT_S = 20.0
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_SIGNS_SERVERS = "C,,"  # certutil's words for an authority behind servers, and behind nothing else


async def trust(home: Path, ca_file: str) -> None:
    """Lets a browser whose home is `home` trust the authorities in `ca_file` (PEM). Raises BoxError."""
    database = home / ".pki" / "nssdb"
    try:
        found = _CERTIFICATE.findall(await asyncio.to_thread(Path(ca_file).read_text, encoding="utf-8", errors="replace"))
        database.mkdir(mode=0o700, parents=True, exist_ok=True)
        await _certutil(database, "-N", "--empty-password")
        with tempfile.TemporaryDirectory(dir=home) as folder:
            for number, certificate in enumerate(found):
                file = Path(folder) / f"{number}.pem"
                file.write_text(certificate + "\n", encoding="ascii")
                await _certutil(database, "-A", "-a", "-n", f"authority {number}", "-t", _SIGNS_SERVERS, "-i", str(file))
    except OSError as error:
        raise BoxError("certificates", f"{error.filename or ca_file}: {error.strerror}") from error
    if not found:
        raise BoxError("certificates", f"{ca_file} holds none")


async def _certutil(database: Path, *arguments: str) -> None:
    command = ("certutil", "-d", f"sql:{database}", *arguments)
    certutil = await run_program("certificates", command, child_environment(None), package="libnss3-tools", within_s=LIMIT_S)
    if certutil.code:
        raise BoxError("certificates", f"certutil refuses them: {certutil.complained[-200:]}")
