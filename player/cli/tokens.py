"""`token create|list|revoke`: access to the control API and to the management API. A running player sees every change at once."""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime

from player.agent.control.access import Scope, TokenStore
from player.cli import device_token
from player.cli.device_token import FILE
from player.cli.spans import age
from player.config import Config
from player.core.plaintext import printable
from player.dirs import Dirs
from player.errors import StorageError


def main(chosen: argparse.Namespace, config: Config, dirs: Dirs) -> int:
    """Runs the action; 1 when there is no such token."""
    store = TokenStore(dirs.state / FILE)
    if chosen.action == "list":
        return _list(store)
    if chosen.action == "create":
        expires = time.time() + age(chosen.expires) if chosen.expires else None
        token, secret = store.create(chosen.name, Scope[chosen.scope.upper()], expires, kind=chosen.kind)
        if token.manages:
            device_token.show(token.id, secret, config, dirs)
        else:
            print(f"{secret}\n")
            print(f"token {token.id} ({token.scope}), {_until(token.expires_at)}; the line above is not shown again")
    elif not store.revoke(chosen.id):
        raise StorageError(str(dirs.state / FILE), f"there is no token {chosen.id}; see `signage-player token list`")
    else:
        print(f"token {chosen.id} is revoked")
    device_token.give_to_owner(dirs, dirs.state / FILE)
    return 0


def _list(store: TokenStore) -> int:
    for token in store.tokens():
        over = ", EXPIRED" if token.expired(time.time()) else ""
        print(f"{token.id}  {token.kind:8}{token.scope:8}{_until(token.expires_at)}{over}  {printable(token.name)}")
    return 0


def _until(expires_at: float | None) -> str:
    return "never expires" if expires_at is None else f"expires {datetime.fromtimestamp(expires_at, UTC):%Y-%m-%d %H:%M} UTC"
