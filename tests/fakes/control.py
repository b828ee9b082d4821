"""A served control API behind which fakes stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from player.agent.control.access import TokenStore
from player.agent.control.http import ControlServer
from player.agent.control.wrong_passwords import WrongPasswords
from tests.fakes.local_controls import FakeActions, FakeSource


def control_server(folder: Path, **given: Any) -> ControlServer:
    """The real one, with its files in `folder`: on a free port, without a password, management, hooks or TLS unless `given`."""
    parts = {
        "source": FakeSource(), "actions": FakeActions(), "socket_path": folder / "control.sock",
        "tokens": TokenStore(folder / "tokens.json"), "wrong_passwords": WrongPasswords(folder / "wrong.json"),
        "listen": "127.0.0.1:0", "password": "", "manage": None, "hooks": {}, "tls": None, "host_name": "lobby",
    }  # fmt: skip
    return ControlServer(**(parts | given))
