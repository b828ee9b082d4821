"""`support-bundle FILE`: one archive for a support ticket. Fault X6: only what is named here goes in, and every text is redacted.

Status, the doctor's findings, the configuration in force, versions, disk, names and sizes of the state folder, and the logs: of the
services from the journal, of a player that was started by hand from the files beside its sockets.
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
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import msgspec

from player import __version__
from player.cli.client import ControlClient
from player.config import Config
from player.core.plaintext import printable
from player.dirs import Dirs
from player.errors import SignageError, StorageError
from player.redact import Redactor, is_secret, known_secrets

UNITS = ("signage-agent", "signage-stage", "signage-compositor")
LOG_LINES, LOG_BYTES = 5000, 512 * 1024
ASK_WITHIN_S = 20.0


def main(chosen: argparse.Namespace, config: Config, dirs: Dirs) -> int:
    """Writes the archive, 0600; says what is in it."""
    path = Path(chosen.file)
    write = next((write for suffix, write in ARCHIVES.items() if path.name.lower().endswith(suffix)), None)
    if write is None:
        raise StorageError(str(path), f"cannot be a support bundle: end it in {' or '.join(ARCHIVES)}")
    redact = Redactor(known_secrets(config, dirs.state))
    parts = {name: printable(redact(part()), "\n\t") for name, part in _parts(config, dirs).items()}
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as out:
            os.fchmod(handle, 0o600)  # of a file that was there before, too
            write(out, parts)
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
        "logs.txt": lambda: _logs(dirs),
    }


def _tar(out: IO[bytes], parts: dict[str, str]) -> None:
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, text in parts.items():
            content = text.encode()
            entry = tarfile.TarInfo(FOLDER + name)
            entry.size, entry.mtime, entry.mode = len(content), int(time.time()), 0o600
            archive.addfile(entry, io.BytesIO(content))


def _zip(out: IO[bytes], parts: dict[str, str]) -> None:
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            entry = zipfile.ZipInfo(FOLDER + name, time.localtime()[:6])
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            archive.writestr(entry, text)


FOLDER = "signage-support/"
ARCHIVES: dict[str, Callable[[IO[bytes], dict[str, str]], None]] = {".tar.gz": _tar, ".tgz": _tar, ".zip": _zip}


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


def shown(config: Config) -> dict[str, Any]:
    """The configuration in force; of a secret only whether it is set."""
    return {name: _of_table(table or {}) for name, table in msgspec.to_builtins(config).items()}


def _of_table(table: Any) -> Any:
    """One table, or several of a kind, such as triggers."""
    if isinstance(table, list):
        return [_of_table(one) for one in table]
    if not isinstance(table, dict):
        return table
    hidden = {key: "(set)" if table[key] else "" for key in table if is_secret(key) and not key.endswith("_file")}
    return {**table, **hidden}


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


def _logs(dirs: Dirs) -> str:
    """The journal, then each file that a player that was started by hand keeps, the older part first."""
    found = {"the journal of the services": _journal()}
    for folder, name in ((dirs.runtime, "run"), (dirs.runtime, "agent"), (dirs.stage_runtime, "stage")):
        for path in (folder / f"{name}.log.1", folder / f"{name}.log"):
            found[str(path)] = _end_of(path)
    return "\n".join(f"== {where} ==\n{text}" for where, text in found.items() if text) or "no logs were found"


def _journal() -> str:
    units = [word for unit in UNITS for word in ("-u", unit)]
    return _run("journalctl", *units, "-n", str(LOG_LINES), "--no-pager", "-o", "short-iso")


def _end_of(path: Path) -> str:
    """What a log holds at its end; never what a link in another user's folder leads to."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            file.seek(max(0, os.fstat(handle).st_size - LOG_BYTES))
            return file.read(LOG_BYTES).decode(errors="replace")
    except OSError:
        return ""


def _run(*command: str) -> str:
    """What a program prints; "" when it is not there or does not end."""
    try:
        return subprocess.run(command, capture_output=True, timeout=ASK_WITHIN_S, check=False).stdout.decode(errors="replace")
    except (OSError, subprocess.TimeoutExpired):
        return ""
