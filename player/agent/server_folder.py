"""What belongs to one server: pairing, command ids, cursors, what it refused; kept under its kind, its address and this device.

Another server gets none of it, and whoever goes back finds it as it was: `servers/KIND-HASH/` below the state folder. What lay in
the state folder itself before servers had folders is taken over, once, by the server that is configured then; the old files stay as
they were, for an update that is taken back.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from player.core.brief import CardFacts
from player.errors import StorageError
from player.folders import make_folder, sync_folder
from player.store import Snapshot

log = logging.getLogger(__name__)
NONE = "none"
COMMANDS, CURSOR, REFUSED, LOCKED = "commands", "plays-cursor.json", "refused.jsonl", "locked.json"


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """`url` is for people. `paired` None: not known yet. `first`: what was made before servers had folders is its own."""

    kind: str
    url: str
    paired: bool | None = None
    pairing_code: str | None = None
    device_name: str = ""
    first: bool = False


class ServerFolder:
    """One server's folder. `key` is its name, by which what is shown and played says whose it is."""

    def __init__(self, path: Path, facts: ServerFacts) -> None:
        self._file = Snapshot(path / "server.json", ServerFacts)
        self.path, self.key = path, path.name
        self.facts = self._file.read_or(facts)

    def __repr__(self) -> str:
        return f"<ServerFolder {self.key}: {self.facts.url or 'no server'}>"

    def keep(self, **changes: Any) -> None:
        """Other values for fields of `ServerFacts`, durably. Raises StorageError; then nothing changed."""
        wanted = replace(self.facts, **changes)
        if wanted != self.facts or not self._file.path.exists():
            self._file.write(wanted)
            self.facts = wanted


def key_of(kind: str, url: str, device: str) -> str:
    """The name of a server's folder. `device`: this device, as the server knows it."""
    if kind == NONE:
        return NONE
    of = "\n".join((url.rstrip("/"), device))
    return f"{kind}-{hashlib.sha256(of.encode()).hexdigest()[:8]}"


def open_folder(state: Path, kind: str, url: str, device: str, before: CardFacts, first_kind: str) -> ServerFolder:
    """The folder of the server that is configured. Raises StorageError.

    What lay in the state folder goes to it; where none is configured, to the server of which the cards said something last
    (`before`), which was of `first_kind`.
    """
    servers = state / "servers"
    try:
        if not servers.exists():
            of = (kind, url) if kind != NONE or not before.server_url else (first_kind, before.server_url)
            facts = ServerFacts(*of, before.paired, before.pairing_code, before.device_name, first=True)
            _take_over(state, servers, key_of(*of, device), facts)
        path = servers / key_of(kind, url, device)
        make_folder(path, 0o700)
    except OSError as error:
        raise StorageError(str(servers), f"cannot be made: {error.strerror}") from error
    return ServerFolder(path, ServerFacts(kind, url))


def first_of(servers: Path) -> str:
    """The key of the server to which everything belongs that does not say whose it is."""
    for path in sorted(servers.glob("*/server.json")):
        facts = Snapshot(path, ServerFacts).read_or(None)
        if facts is not None and facts.first:
            return path.parent.name
    return NONE


def _take_over(state: Path, servers: Path, key: str, facts: ServerFacts) -> None:
    """All or nothing: what is half done when the power goes is begun again."""
    making = servers.with_name("servers.making")
    shutil.rmtree(making, ignore_errors=True)
    folder = making / key
    folder.mkdir(mode=0o700, parents=True)
    if (state / COMMANDS).is_dir():
        shutil.copytree(state / COMMANDS, folder / COMMANDS)
    for name in (CURSOR, REFUSED):
        with contextlib.suppress(FileNotFoundError):
            shutil.copy2(state / name, folder / name)
    locked = _server_locked(state / "lock.json")
    if locked is not None:
        Snapshot(folder / LOCKED, bool).write(locked)
    ServerFolder(folder, facts).keep()
    making.replace(servers)
    sync_folder(state)
    log.info("what belongs to this server is kept in %s", servers / key)


def _server_locked(path: Path) -> bool | None:
    """What an earlier version kept beside the PIN: whether the server had last said that the box is locked."""
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
        said = msgspec.json.decode(path.read_bytes())["body"]["server_locked"]
        return said if isinstance(said, bool) else None
    return None
