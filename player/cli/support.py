"""`support-bundle FILE`: one archive for a support ticket. Fault X6: only what is named here goes in, and every text is redacted.

Status, the doctor's findings, the configuration in force, versions, disk, names and sizes of the state folder, the services' logs.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import io
import json
import os
import platform
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import msgspec

from player import __version__
from player.cli.client import ControlClient
from player.config import Config, Dirs
from player.errors import SignageError, StorageError
from player.redact import Redactor, known_secrets

UNITS = ("signage-agent", "signage-stage", "signage-compositor")
LOG_LINES = 5000
ASK_WITHIN_S = 20.0
SECRET_KEYS = ("license_key", "token", "password")


def main(chosen: argparse.Namespace, config: Config, dirs: Dirs) -> int:
    """Writes the archive, 0600; says what is in it."""
    path = Path(chosen.file)
    redact = Redactor(known_secrets(config, dirs.state))
    parts = {name: redact(part()) for name, part in _parts(config, dirs).items()}
    try:
        _write(path, parts)
    except OSError as error:
        raise StorageError(str(path), f"cannot be written: {error.strerror}") from error
    print(f"{path}: {', '.join(parts)}; secrets are removed, look into it before you send it")
    return 0


def _parts(config: Config, dirs: Dirs) -> dict[str, Callable[[], str]]:
    return {
        "status.json": lambda: _status(dirs),
        "doctor.json": lambda: _doctor(config, dirs),
        "config.json": lambda: _json(shown(config)),
        "versions.txt": _versions,
        "disk.txt": lambda: _disk(dirs),
        "state.txt": lambda: _names(dirs.state),
        "logs.txt": _logs,
    }


def _write(path: Path, parts: dict[str, str]) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as out, tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, text in parts.items():
            content = text.encode()
            entry = tarfile.TarInfo(f"signage-support/{name}")
            entry.size, entry.mtime, entry.mode = len(content), int(time.time()), 0o600
            archive.addfile(entry, io.BytesIO(content))


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def _status(dirs: Dirs) -> str:
    try:
        status = ControlClient(dirs.control_socket, ASK_WITHIN_S).status()
    except SignageError as error:
        return _json({"error": str(error)})
    if status.get("pairing_code"):
        status["pairing_code"] = "(hidden)"
    return _json(status)


def _doctor(config: Config, dirs: Dirs) -> str:
    from player.cli.doctor import examine

    return _json([asdict(finding) for finding in examine(config, dirs)])


def shown(config: Config) -> dict[str, dict[str, object]]:
    """The configuration in force; of a secret only whether it is set."""
    tables: dict[str, dict[str, object]] = msgspec.to_builtins(config)
    for table in tables.values():
        for key in SECRET_KEYS:
            if key in table:
                table[key] = "(set)" if table[key] else ""
    return tables


def _versions() -> str:
    packages = sorted({f"{found.name} {found.version}" for found in importlib.metadata.distributions()}, key=str.lower)
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "?") if Path("/etc/os-release").exists() else "?"
    programs = [
        _run(*command).partition("\n")[0] for command in (("sway", "--version"), ("ffmpeg", "-version"), ("chromium", "--version"))
    ]
    head = [f"player {__version__}", f"python {platform.python_version()}", system, platform.platform(), *filter(None, programs)]
    return "\n".join([*head, "", *packages])


def _disk(dirs: Dirs) -> str:
    lines = []
    for folder in (dirs.state, dirs.cache, dirs.runtime):
        if folder.exists():
            usage = shutil.disk_usage(folder)
            lines.append(f"{folder}: {usage.free:,} of {usage.total:,} bytes free")
        else:
            lines.append(f"{folder}: is not there")
    return "\n".join(lines)


def _names(folder: Path) -> str:
    """Names, sizes and modes; never content."""
    lines = []
    for base, _, names in os.walk(folder):
        for name in sorted(names):
            try:
                found = (Path(base) / name).lstat()
            except OSError:
                continue
            lines.append(f"{found.st_mode & 0o7777:4o} {found.st_size:>12,} {(Path(base) / name).relative_to(folder)}")
    return "\n".join(lines)


def _logs() -> str:
    if not shutil.which("journalctl"):
        return "no journal on this system"
    units = [word for unit in UNITS for word in ("-u", unit)]
    return _run("journalctl", *units, "-n", str(LOG_LINES), "--no-pager", "-o", "short-iso") or "nothing"


def _run(*command: str) -> str:
    """What a program prints; "" when it is not there or does not end."""
    try:
        return subprocess.run(command, capture_output=True, timeout=ASK_WITHIN_S, check=False).stdout.decode(errors="replace")
    except (OSError, subprocess.TimeoutExpired):
        return ""
