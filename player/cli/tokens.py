"""`token create|list|revoke`: access to the control API. A running player sees every change at once."""

from __future__ import annotations

import argparse
import os
import time
from datetime import UTC, datetime

from player.agent.control.access import Scope, TokenStore
from player.cli.spans import age
from player.config import Config, Dirs
from player.core.plaintext import printable
from player.errors import StorageError

FILE = "tokens.json"


def main(chosen: argparse.Namespace, _: Config, dirs: Dirs) -> int:
    """Runs the action; 1 when there is no such token."""
    store = TokenStore(dirs.state / FILE)
    if chosen.action == "list":
        return _list(store)
    if chosen.action == "create":
        expires = time.time() + age(chosen.expires) if chosen.expires else None
        token, secret = store.create(chosen.name, Scope[chosen.scope.upper()], expires)
        print(f"{secret}\n")
        print(f"token {token.id} ({token.scope}), {_until(token.expires_at)}; the line above is not shown again")
    elif not store.revoke(chosen.id):
        raise StorageError(str(dirs.state / FILE), f"there is no token {chosen.id}; see `signage-player token list`")
    else:
        print(f"token {chosen.id} is revoked")
    _give_to_owner(dirs)
    return 0


def _list(store: TokenStore) -> int:
    for token in store.tokens():
        over = ", EXPIRED" if token.expired(time.time()) else ""
        print(f"{token.id}  {token.scope:8}{_until(token.expires_at)}{over}  {printable(token.name)}")
    return 0


def _until(expires_at: float | None) -> str:
    return "never expires" if expires_at is None else f"expires {datetime.fromtimestamp(expires_at, UTC):%Y-%m-%d %H:%M} UTC"


def _give_to_owner(dirs: Dirs) -> None:
    """Root writes for the player's user, who has to read it."""
    if os.geteuid() == 0:
        owner = dirs.state.stat()
        os.chown(dirs.state / FILE, owner.st_uid, owner.st_gid, follow_symlinks=False)
