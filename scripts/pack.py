"""Writes update bundles, signs folders, and makes the key for both: what `scripts/bundle` runs. Formats: `player.core.bundle`, and
`player.cms.folder.signature`."""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import os
import platform
import sys
import tarfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from player import __version__
from player.cms.folder import signature
from player.cms.folder.programme import MANIFEST as FOLDER_MANIFEST
from player.cms.folder.programme import SIGNATURE as FOLDER_SIGNATURE
from player.core.bundle import MANIFEST, SIGNATURE, SIGNED, Bundle, Part, encode

ROOT = Path(__file__).parents[1]
VALID_S = 365 * 86400.0  # how long a bundle may be installed where nobody said
ALONE = ("pyproject.toml", "README.md", "LICENSE", "config.example.toml")
SCRIPTS = ("install", "lib.sh", "screen.sh", "quiet_boot.py", "requirements.lock", "requirements-dev.lock")


def new_key(path: Path) -> None:
    """Makes a key, readable by its owner alone, and prints its public half. Ends the program rather than lose one."""
    key = Ed25519PrivateKey.generate()
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        sys.exit(f"{path} is not made: {error.strerror}")
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(base64.b64encode(key.private_bytes_raw()).decode() + "\n")
    print(f"{path}: keep it secret, and a copy of it safe. On the devices, in config.toml:\n\n[update]")
    print(f'public_key = "{base64.b64encode(key.public_key().public_bytes_raw()).decode()}"')


def read_key(path: Path) -> Ed25519PrivateKey:
    """A key that `new_key` made. Ends the program with a sentence where it is none."""
    try:
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(path.read_text(encoding="ascii").strip(), validate=True))
    except (OSError, ValueError) as error:
        sys.exit(f"{path} holds no key ({error}); make one with scripts/bundle --new-key")


def sources(root: Path, wheels: Path) -> Iterator[tuple[str, Path]]:
    """What goes in, as (path in the bundle, file)."""
    for name in ALONE:
        yield name, root / name
    for name in SCRIPTS:
        yield f"scripts/{name}", root / "scripts" / name
    for folder in ("player", "systemd"):
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                yield str(path.relative_to(root)), path
    for path in sorted(wheels.iterdir()):
        yield f"wheels/{path.name}", path


def pack(
    key: Ed25519PrivateKey, files: list[tuple[str, Path]], out: Path, version: str, *, expires: float | None, allow_older: bool
) -> Bundle:
    """Writes the bundle, at its place only when it is whole. `expires`: seconds since the epoch, None for never."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    bundle = Bundle(version, platform.machine(), python, tuple(map(_part, files)), expires, allow_older)
    manifest = encode(bundle)
    part = out.with_name(out.name + ".part")
    with tarfile.open(part, "w:", format=tarfile.PAX_FORMAT) as archive:
        for name, content in ((MANIFEST, manifest), (SIGNATURE, key.sign(SIGNED + manifest))):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        for name, path in files:
            entry = tarfile.TarInfo(name)
            entry.size = path.stat().st_size
            with path.open("rb") as content:
                archive.addfile(entry, content)
    part.replace(out)
    return bundle


def _part(file: tuple[str, Path]) -> Part:
    name, path = file
    with path.open("rb") as content:
        return Part(name, path.stat().st_size, hashlib.file_digest(content, "sha256").hexdigest(), os.access(path, os.X_OK))


def sign_folder(key: Ed25519PrivateKey, folder: Path) -> int:
    """Names every file of a folder with its SHA-256, and signs that; how many there are."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    shown = [path for path in paths if path.relative_to(folder).as_posix() not in (FOLDER_MANIFEST, FOLDER_SIGNATURE)]
    files = {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in shown}
    manifest = json.dumps({"files": files}, indent=1, ensure_ascii=False).encode()
    (folder / FOLDER_MANIFEST).write_bytes(manifest)
    (folder / FOLDER_SIGNATURE).write_bytes(base64.b64encode(key.sign(signature.SIGNED + manifest)) + b"\n")
    return len(files)


def date(text: str) -> float:
    """The end of a day in UTC, such as 2027-03-01, in seconds since the epoch."""
    return datetime.strptime(f"{text} 23:59:59 +0000", "%Y-%m-%d %H:%M:%S %z").timestamp()


def main() -> None:
    """`new-key FILE`, `sign-folder KEYFILE FOLDER`, or `pack KEYFILE WHEELS OUT`, with `--expires DATE` and `--allow-older`."""
    parser = argparse.ArgumentParser(prog="scripts/bundle")
    parser.add_argument("--expires", type=date, metavar="DATE", default=time.time() + VALID_S, help="in UTC (default: in a year)")
    parser.add_argument("--allow-older", action="store_true", help="devices take it although they had a newer version")
    parser.add_argument("what", choices=("new-key", "sign-folder", "pack"))
    parser.add_argument("paths", nargs="+", type=Path)
    given = parser.parse_args()
    if given.what == "new-key":
        new_key(given.paths[0])
        return
    if given.what == "sign-folder":
        print(f"{given.paths[1]}: {sign_folder(read_key(given.paths[0]), given.paths[1])} files are signed")
        return
    key, wheels, out = given.paths
    files = list(sources(ROOT, wheels))
    bundle = pack(read_key(key), files, out, __version__, expires=given.expires, allow_older=given.allow_older)
    until = datetime.fromtimestamp(given.expires, UTC)
    print(f"{out}: {bundle}, {out.stat().st_size // 1024**2} MB, to be installed until {until:%Y-%m-%d %H:%M} UTC")


if __name__ == "__main__":
    main()
