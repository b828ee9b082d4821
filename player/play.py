"""`play FILE…`: files on screen at once, without configuration, server or agent: a manifest of what was given.

The files are linked or copied into the cache of a temporary folder under their SHA-256, as the store would have
them, and go when it ends.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from player import launch
from player.config import Config, Dirs, find_file
from player.core.content import Item, Kind, Manifest, Orders, Playlist, full_screen
from player.errors import StorageError
from player.store import Snapshot
from player.supervisor import Account

SNIFF = 4096
LONGEST_BASE = 60  # the name of a Unix socket has 107 characters at most
STREAMS = ("rtsp", "rtmp", "srt", "udp")
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"BM")
_VIDEOS = (b"\x1aE\xdf\xa3", b"OggS", b"FLV\x01", b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3")


def main(chosen: argparse.Namespace, config: Config, _: Dirs) -> int:
    """Plays until a signal; returns the exit code."""
    account = launch.account_for_root()
    with own_folders("signage-play-", account) as dirs:
        launch.make_folders(dirs, account)
        items = tuple(_item(number, given, chosen.seconds, dirs.cache) for number, given in enumerate(chosen.files))
        layout = full_screen(Playlist("play", "Files", items))
        files = len({item.file for item in items if item.file})
        Snapshot(dirs.manifest, Manifest, mode=0o644).write(Manifest("play", layout, assets=files))
        Snapshot(dirs.orders, Orders, mode=0o644).write(Orders(paired=True))
        return launch.run(config, dirs, find_file(chosen.config), agent=False)


@contextlib.contextmanager
def own_folders(prefix: str, account: Account | None) -> Iterator[Dirs]:
    """State, cache and runtime in a temporary folder, which goes at the end."""
    with tempfile.TemporaryDirectory(prefix=prefix, dir=short_base(), ignore_cleanup_errors=True) as made:
        base = Path(made)
        if account:
            os.chown(base, account.uid, account.gid)
        yield Dirs(state=base / "state", cache=base / "cache", runtime=base / "run", stage_runtime=base / "run")


def short_base() -> str:
    """The folder for temporary ones, where sockets below them keep names that are short enough."""
    usual = tempfile.gettempdir()
    return usual if len(usual) < LONGEST_BASE else "/tmp"  # noqa: S108 - what is made there is made by mkdtemp


def _item(number: int, given: str, seconds: float, cache: Path) -> Item:
    scheme = urlsplit(given).scheme
    if scheme in ("http", "https"):
        return Item(str(number), given, given, Kind.WEB, seconds, url=given)
    if scheme in STREAMS:
        return Item(str(number), given, given, Kind.LIVESTREAM, 0.0, url=given)
    path = Path(given)
    kind = sniff(path)
    digest = _sha256(path)
    file = Path("media") / digest[:2] / (digest + path.suffix.lower())
    _put(path, cache / file)
    return Item(str(number), digest[:16], path.name, kind, 0.0 if kind is Kind.VIDEO else seconds, file=str(file), asset=digest)


def sniff(path: Path) -> Kind:
    """Video or picture, by the first bytes and not by the name. Raises StorageError."""
    try:
        with path.open("rb") as file:
            head = file.read(SNIFF)
    except OSError as error:
        raise StorageError(str(path), f"cannot be read: {error.strerror}") from error
    if head.startswith(_PICTURES) or head[8:12] == b"WEBP" or head[4:12] in (b"ftypavif", b"ftypheic"):
        return Kind.IMAGE
    transport_stream = head[:1] == b"G" and head[188:189] == b"G"
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide") or head.startswith(_VIDEOS) or head[8:12] == b"AVI " or transport_stream:
        return Kind.VIDEO
    if head.startswith(b"%PDF-"):
        return Kind.PDF
    raise StorageError(
        str(path), "is neither a picture nor a video that the player knows; give JPEG, PNG, GIF, WebP, MP4, MKV or WebM"
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _put(source: Path, target: Path) -> None:
    """A link where the disk and the rights allow it, else a copy."""
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    if target.exists():
        return
    try:
        if os.geteuid() == 0 or not source.stat().st_mode & 0o004:
            raise PermissionError  # a link keeps its owner, and the stage may be another user
        os.link(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)
        target.chmod(0o644)
