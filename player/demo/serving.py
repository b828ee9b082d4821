"""One web application at one address of this machine: what every demonstration server is, outwardly."""

from __future__ import annotations

from aiohttp import web

_SHUTDOWN_S = 1.0


class Serving:
    """`port` 0 takes a free one; started again after its end it is at the same port."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self.port = host, port
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The base address, without a slash at its end."""
        host = "127.0.0.1" if self._host in ("0.0.0.0", "") else self._host  # noqa: S104 - compared, not bound
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    async def start(self, app: web.Application) -> None:
        """Answers from now on. Raises OSError where the port cannot be used; `stop` is still to be called."""
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_S)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self.port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Ends every connection."""
        if self._runner:
            await self._runner.cleanup()
