"""Whom the browser trusts beside its own list: it reads that from a database of NSS in its home, which certutil writes."""

from __future__ import annotations

import asyncio
import contextlib
import re
import tempfile
from pathlib import Path

from player.errors import BoxError

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
    try:
        child = await asyncio.create_subprocess_exec(
            "certutil", "-d", f"sql:{database}", *arguments,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise BoxError("certificates", "certutil is missing: sudo apt install libnss3-tools") from error
    try:
        async with asyncio.timeout(LIMIT_S):
            _, said = await child.communicate()
    except TimeoutError as error:
        raise BoxError("certificates", f"certutil did not end within {LIMIT_S:.0f} s") from error
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()
    if child.returncode:
        raise BoxError("certificates", f"certutil refuses them: {said.decode(errors='replace').strip()[-200:]}")
