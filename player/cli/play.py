"""`play FILE…`: files, or a layout of them, on screen at once without configuration, server or agent: a manifest of what was given.

The files are linked or copied into the cache of a temporary folder under their SHA-256, as the store would have them, and go when
it ends. Each passes the gate that the agent's files pass: what is shown here is what a server may send, and the same is refused.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from player.brief_file import BriefFile
from player.cli.terminal import say
from player.config import Config
from player.config_reader import find_file
from player.core.brief import CardFacts, StageBrief
from player.core.content import Item, Layout, Manifest, Playlist, always, full_screen
from player.core.kinds import Kind
from player.core.urls import written_out
from player.dirs import Dirs
from player.errors import ConfigError, ContentError, StorageError
from player.launch import start as launch
from player.launch.supervisor import Account
from player.layout_file import Hosts, Taken, read_layout
from player.programme_file import ProgrammeFile

if TYPE_CHECKING:
    from player.media.prepare.parent import Prepared

LARGEST_PANEL = "3840x2160"  # without a screen to ask, nothing is made smaller than it could be shown
LONGEST_BASE = 60  # the name of a Unix socket has 107 characters at most
STREAMS = ("rtsp", "rtmp", "srt", "udp")


def main(chosen: argparse.Namespace, config: Config, _: Dirs) -> int:
    """Plays until a signal; returns the exit code."""
    account = launch.account_for_root()
    with own_folders("signage-play-", account) as dirs:
        launch.make_folders(dirs, account)
        hosts = Hosts(config.stage.youtube_hosts, config.stage.stream_hosts)
        layout = _layout(chosen.files, chosen.seconds, Intake(dirs.cache, config.stage.size or LARGEST_PANEL), hosts)
        files = len({item.file for region in layout.regions for item in region.playlist.items if item.file})
        ProgrammeFile(dirs.state, mode=0o644).write(Manifest("play", (layout,), always(layout), assets=files))
        BriefFile(dirs.brief, mode=0o644).write(StageBrief(cards=CardFacts(paired=True)))
        without_agent = {**os.environ, "SIGNAGE__STAGE__PROBLEM_CARD_AFTER": "0"}  # which therefore is not missed
        return launch.run(config, dirs, find_file(chosen.config), agent=False, environment=without_agent)


def _layout(given: Sequence[str], seconds: float, intake: Intake, hosts: Hosts) -> Layout:
    layouts = [name for name in given if name.lower().endswith(".toml")]
    if not layouts:
        items = tuple(item for number, name in enumerate(given) for item in _items(number, name, seconds, intake))
        return full_screen(Playlist("play", "Files", items))
    if len(given) > 1:
        raise ConfigError(layouts[0], "", "is a layout, which is played alone; name the other files in it")
    return read_layout(Path(given[0]), intake, hosts)


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


def _items(number: int, given: str, seconds: float, intake: Intake) -> tuple[Item, ...]:
    """One, or one for each page of a document."""
    scheme, url = urlsplit(given).scheme, written_out(given)
    if scheme in ("http", "https"):
        return (Item(str(number), given, given, Kind.WEB, seconds, url=url),)
    if scheme in STREAMS:
        return (Item(str(number), given, given, Kind.LIVESTREAM, 0.0, url=url),)
    taken, name = intake(Path(given)), Path(given).name
    stays_s = seconds if taken.kind.needs_duration else 0.0
    return tuple(
        Item(f"{number}/{page}", taken.content_id, name, taken.kind, stays_s, file=file, asset=taken.asset, cover=taken.cover)
        for page, file in enumerate(taken.pages or (taken.file,))
    )


class Intake:
    """Takes files into `cache`; what is prepared is made for a panel of `size` ("1920x1080")."""

    def __init__(self, cache: Path, size: str) -> None:
        width, height = (int(side) for side in size.split("x"))
        self._cache, self._panel = cache, (width, height)

    def __call__(self, path: Path, kind: Kind | None = None) -> Taken:
        """As `kind`, or as what it is. Raises StorageError, ContentError, BoxError."""
        found, suffix = _recognised(path)
        digest = _sha256(path)
        source = self._cache / "media" / digest[:2] / (digest + suffix)
        _put(path, source)
        asked = Kind.IMAGE if kind is Kind.SVG else kind or found
        try:
            made = self._prepared(source, asked, path.name, digest)
        except ContentError as error:
            if kind or error.code != "no_picture":
                raise
            asked = Kind.AUDIO  # the container is a film's, and there is only sound in it
            made = self._prepared(source, asked, path.name, digest)
        if made.shortened:
            say(f"{path}: {made.shortened}", sys.stderr)
        shown = Kind.SVG if made.file.suffix == ".svg" else asked
        pages = tuple(str(page.relative_to(self._cache)) for page in made.pages)
        cover = str(made.cover.relative_to(self._cache)) if made.cover else None
        return Taken(shown, str(made.file.relative_to(self._cache)), digest, pages, cover=cover)

    def _prepared(self, source: Path, kind: Kind, name: str, digest: str) -> Prepared:
        import asyncio

        from player.media.prepare.parent import prepare

        folder = self._cache / "prepared"
        made = asyncio.run(prepare(source, kind, name, folder, self._panel, sha256=digest))
        if folder.exists():
            _open_up(folder)
        return made


def _open_up(folder: Path) -> None:
    """Lets the stage read what was prepared, whoever it runs as: it is in a temporary folder of this command alone."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _recognised(path: Path) -> tuple[Kind, str]:
    """What a file is, by its first bytes and not by its name, and the suffix that belongs to them. Raises StorageError."""
    from player.media.filetype import HEAD_BYTES, PICTURES, SOUNDS, VIDEOS, sniff
    from player.media.store.index import suffix_of

    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise StorageError(str(path), f"cannot be read: {error.strerror}") from error
    found = sniff(head)
    if found in PICTURES or found == "svg":
        return Kind.IMAGE, suffix_of(head)
    if found in VIDEOS:
        return Kind.VIDEO, suffix_of(head)
    if found in SOUNDS:
        return Kind.AUDIO, suffix_of(head)
    if found in ("zip", "html"):
        return Kind.PACKAGE, suffix_of(head)
    if found == "pdf":
        return Kind.PDF, suffix_of(head)
    seen = "JPEG, PNG, GIF, WebP, AVIF, HEIC, SVG, PDF, MP4, MKV, WebM, AVI, MPEG, WMV, Ogg, FLV"
    known = f"{seen}, MP3, AAC, FLAC, WAV, Opus, or an archive of HTML (zip)"
    raise StorageError(str(path), f"is neither a picture nor a video nor a sound that the player knows; give {known}")


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
