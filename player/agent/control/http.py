"""The control API's listeners: `player.agent.control.api` on the Unix socket (trusted, 0600), on `control.listen`, and under TLS.

Fault L6: slow or many callers cost 128 connections and ten seconds each at most, one address half of them, and who is idle makes
way. A TCP port that is taken, or a certificate that is not there, is said once and tried again; the Unix socket works meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler

from player.agent.control.access import Access, TokenStore
from player.agent.control.api import Actions, Hook, StatusSource, make_app
from player.agent.control.callers import GuardedSite, OpenSite, Turns
from player.agent.control.wrong_passwords import WrongPasswords
from player.errors import BoxError

log = logging.getLogger(__name__)
CONNECTIONS = 128
CONNECTIONS_EACH = 64
CALLS_EACH = 8
TURN_WITHIN_S = 5.0
HEADERS_WITHIN_S = 10.0
TCP_AGAIN_S = 30.0

__all__ = ["Actions", "ControlServer", "StatusSource", "TlsDoor"]


@dataclass(frozen=True, slots=True)
class TlsDoor:
    """Where TLS is spoken: HOST:PORT ("": nowhere), and the PEM files that it is spoken with."""

    listen: str
    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """Raises OSError; ssl's own are such."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(self.certificate, self.key)
        return made


class ControlServer:
    """Serves while `run` runs. `listen` is HOST:PORT or "" for the Unix socket alone; port 0 takes a free one, see `port`.

    `manage` answers for the management API; `hooks`: who answers calls from outside, by the path.
    """

    def __init__(
        self,
        source: StatusSource,
        actions: Actions,
        *,
        socket_path: Path,
        tokens: TokenStore,
        wrong_passwords: WrongPasswords,
        listen: str,
        password: str,
        manage: Handler | None,
        hooks: Mapping[str, Hook],
        tls: TlsDoor | None,
        host_name: str = "",
        connections: int = CONNECTIONS,
        turn_within_s: float = TURN_WITHIN_S,
        headers_within_s: float = HEADERS_WITHIN_S,
    ) -> None:
        access = Access(tokens, password, actions.check_pin, wrong_passwords)
        self._turns = Turns(CALLS_EACH, turn_within_s)
        self._app = make_app(source, actions, access, host_name or socket.gethostname(), self._turns, manage, hooks)
        self._socket_path, self._listen, self._tls = socket_path, listen, tls if tls and tls.listen else None
        self._connections, self._headers_within_s = connections, headers_within_s
        self.port: int | None = None
        self.tls_port: int | None = None

    def __repr__(self) -> str:
        return f"<control at {self._socket_path}{' and ' + self._listen if self._listen else ''}>"

    async def run(self) -> None:
        """Serves until cancelled. Raises BoxError when the Unix socket cannot be made."""
        async with self.serving() as runner:
            while self._is_partly_closed():
                await asyncio.sleep(TCP_AGAIN_S)
                with contextlib.suppress(OSError):
                    await self._open_tcp(runner)
                with contextlib.suppress(OSError):
                    await self._open_tls(runner)
            await asyncio.Event().wait()

    def _is_partly_closed(self) -> bool:
        return (bool(self._listen) and self.port is None) or (self._tls is not None and self.tls_port is None)

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[web.AppRunner]:
        """Answers at the socket and at the addresses that are configured, for as long as it is entered."""
        runner = web.AppRunner(
            self._app,
            access_log=None,
            logger=_requests_log(),
            handle_signals=False,
            keepalive_timeout=self._headers_within_s,
            shutdown_timeout=1.0,
            lingering_time=0.0,
        )
        await runner.setup()
        try:
            await self._open_unix(runner)
            try:
                await self._open_tcp(runner)
            except OSError as error:
                log.warning(
                    "the local page is not served on %s: %s; change control.listen or free it", self._listen, error.strerror
                )
            try:
                await self._open_tls(runner)
            except OSError as error:
                log.warning("no TLS is spoken (control.tls_listen): %s; `signage-player token create` makes a certificate", error)
            yield runner
        finally:
            await runner.cleanup()
            self.port = self.tls_port = None
            self._socket_path.unlink(missing_ok=True)

    async def _open_unix(self, runner: web.AppRunner) -> None:
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            self._socket_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._socket_path.unlink(missing_ok=True)
            listening.bind(str(self._socket_path))
            self._socket_path.chmod(0o600)  # nobody can connect before `listen`
            await OpenSite(runner, listening, self._turns).start()
        except OSError as error:
            listening.close()
            reason = f"{self._socket_path} cannot be made: {error.strerror or error}; see storage.runtime_dir"
            raise BoxError("control socket", reason) from error

    async def _open_tcp(self, runner: web.AppRunner) -> None:
        if self._listen and self.port is None:
            self.port = await self._open(runner, self._listen, None)

    async def _open_tls(self, runner: web.AppRunner) -> None:
        if self._tls is not None and self.tls_port is None:
            self.tls_port = await self._open(runner, self._tls.listen, self._tls.context())

    async def _open(self, runner: web.AppRunner, listen: str, tls: ssl.SSLContext | None) -> int:
        host, _, port = listen.rpartition(":")
        each, total = min(CONNECTIONS_EACH, self._connections), self._connections
        site = GuardedSite(runner, host.strip("[]") or None, int(port), self._turns, each=each, total=total, tls=tls)
        await site.start()
        return site.bound_port


def _requests_log() -> logging.Logger:
    """For what goes wrong in answering: what is no HTTP is answered with 400, and no stranger fills the log with it."""
    made = logging.getLogger(f"{__name__}.requests")
    made.addFilter(_is_ours)
    return made


def _is_ours(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    # An `Expect` that is no text is quoted by aiohttp, before any of us is asked, in an answer that cannot be written.
    quotes = isinstance(error, UnicodeEncodeError) and error.object.startswith("Unknown Expect")
    return not (quotes or isinstance(error, HttpProcessingError))
