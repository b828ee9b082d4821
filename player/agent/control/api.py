"""The control API's calls, and the guard before them: who is asking, from where, in what form.

Faults L1 to L3. The Unix socket is trusted. Over TCP: reading is free on this box alone, which a proxy on it is not, and needs a
right from anywhere else; writing always needs one (local password, PIN, or a token with scope), a Host of our own, no other
site's Origin, and JSON.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
from aiohttp import HttpVersion11, web
from aiohttp.typedefs import Handler, Middleware

from player.agent.control import local_page, timers
from player.agent.control.access import Access, Refused, Scope, check_host, check_origin, is_proxied
from player.agent.control.callers import Turns, address_of, is_unix
from player.agent.control.mjpeg import RemoteView
from player.agent.control.request_body import BODY_WITHIN_S, pin_of, read_body
from player.agent.control.timers import WantedTimer
from player.agent.reports.status import Status
from player.agent.settings.registry import SettingRow
from player.core.device_schedule import Timer
from player.core.guesses import PROXY, SOCKET
from player.core.ports.server import CommandResult
from player.core.ports.triggers import HookAnswer
from player.core.why import Reason
from player.errors import CommandRejected, PinNotLookedAt, SettingRefused, SignageError, WrongPin

ANSWER_WITHIN_S = 30.0
REMOTE_WIDTH = 1280
LARGEST_BODY = 64 * 1024
ADMIN_COMMANDS = frozenset({"update_app", "upload_logs"})
REFUSALS = (CommandRejected, SettingRefused)
REMOTE_VIEW = "/api/screen.mjpeg"  # has no end of its own
MANAGED = ("v1", "v2")  # the first piece of each path of the management API
OPEN_PATHS = frozenset({"/health", *local_page.ASSETS})
_HEADERS = {
    "Server": "signage-player",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_SCOPE = web.RequestKey("scope", Scope)
Hook = Callable[[bytes], Awaitable[HookAnswer]]  # a call's body -> what is answered


class StatusSource(Protocol):
    """Who knows what the player is doing, and of items (of one's id, content id or name, or of all) why they are on air or not."""

    async def status(self) -> Status: ...
    async def why(self, asked: str | None) -> Sequence[Reason]: ...


class Actions(Protocol):
    """What the API can have done. All raise SignageError; `lock` and `unlock` raise WrongPin, `check_pin` only while PINs wait.

    `source` is where a PIN came from (`core.guesses`); `lock` without a PIN set before takes `pin` as the one. `screenshot` answers
    the bytes of a picture of `kind` "jpeg" or "png", at most `width` pixels wide. `set` asks for a setting in the name of `who`;
    the value None returns to the configuration.
    """

    @property
    def has_pin(self) -> bool: ...
    async def check_pin(self, pin: str, source: str) -> bool: ...
    async def lock(self, pin: str, source: str) -> None: ...
    async def unlock(self, pin: str, source: str) -> None: ...
    async def command(self, kind: str, payload: Mapping[str, Any]) -> CommandResult: ...
    async def settings(self) -> Sequence[SettingRow]: ...
    async def set(self, name: str, value: Any, who: str) -> SettingRow: ...
    async def timers(self) -> Sequence[Timer]: ...
    async def set_timer(self, wanted: WantedTimer) -> None: ...
    async def screenshot(self, kind: str, width: int | None = None) -> bytes: ...


def make_app(
    source: StatusSource, actions: Actions, access: Access, host_name: str, turns: Turns, manage: Handler | None,
    hooks: Mapping[str, Hook],
) -> web.Application:  # fmt: skip
    """The aiohttp application; it may be served on any number of sockets. `manage` answers for the management API, where it is.

    `hooks`: who answers calls from outside, by the path.
    """
    middlewares = [_answering_errors(access), _in_turn(turns), _managed(manage), _hooked(hooks), _guard(access, host_name)]
    app = web.Application(middlewares=middlewares, client_max_size=LARGEST_BODY)
    calls = _Calls(source, actions, access)
    app.router.add_get("/health", calls.health)
    app.router.add_get("/api/status", calls.status)
    app.router.add_get("/api/pairing", calls.pairing)
    app.router.add_get("/api/why", calls.why)
    app.router.add_get("/metrics", calls.metrics)
    app.router.add_get("/api/screen.{suffix:jpg|png}", calls.screen)
    app.router.add_get(REMOTE_VIEW, RemoteView(lambda: actions.screenshot("jpeg", REMOTE_WIDTH)).handle, allow_head=False)
    app.router.add_post("/api/lock", calls.lock)
    app.router.add_post("/api/unlock", calls.unlock)
    app.router.add_post("/api/command", calls.command)
    app.router.add_get("/api/settings", calls.settings)
    app.router.add_post("/api/settings/{name}", calls.set)
    app.router.add_get("/api/timers", calls.timers)
    app.router.add_post("/api/timers", calls.set_timer)
    local_page.add_to(app, source.status, source.why, actions.settings, lambda: access.has_password or actions.has_pin)
    app.on_response_prepare.append(_add_headers)
    return app


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)


def _answering_errors(access: Access) -> Middleware:
    """The middleware that makes of every refusal JSON with a code and a sentence; for whoever opens the page, the sentence."""

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            async with asyncio.timeout(None if request.path == REMOTE_VIEW else ANSWER_WITHIN_S):
                return await handler(request)
        except web.HTTPException as refusal:
            if refusal.status < 400:
                raise
            return _sorry(refusal.status, "http", refusal.reason)
        except TimeoutError:
            return _sorry(504, "timeout", f"no answer within {ANSWER_WITHIN_S:.0f} s; look at the player's log")
        except WrongPin as error:
            return _sorry(429 if isinstance(error, PinNotLookedAt) else 403, error.code, str(error), wait_s=error.wait_s)
        except Refused as error:
            return _refused(error, request, access)
        except SignageError as error:
            return _sorry(400 if isinstance(error, REFUSALS) else 503, error.code, str(error))
        except (ConnectionError, RuntimeError):  # the latter where a body is asked for of a line that is closed already
            if request.transport is not None:
                raise
            return _sorry(400, "gone", "whoever asked hung up before all was said")  # nobody reads it, and no log is filled

    return answer


def _sorry(status: int, code: str, message: str, **more: float) -> web.Response:
    return web.json_response({"error": code, "message": message, **more}, status=status)


def _refused(error: Refused, request: web.Request, access: Access) -> web.Response:
    """A browser asks for the password where somebody opens the page, and nowhere else: the page has a field and a sentence."""
    opens_page = request.path == "/" and request.method in ("GET", "HEAD")
    answer = web.Response(text=str(error), status=error.status) if opens_page else _sorry(error.status, error.code, str(error))
    if error.status == 401:
        scheme = "Basic" if opens_page and access.has_password else "Bearer"
        answer.headers["WWW-Authenticate"] = f'{scheme} realm="signage player"' + (', charset="UTF-8"' if scheme == "Basic" else "")
    return answer


def _in_turn(turns: Turns) -> Middleware:
    """The middleware that lets no source have more than its share answered at a time; who watches the screen is counted there."""

    @web.middleware
    async def wait(request: web.Request, handler: Handler) -> web.StreamResponse:
        with turns.working(request, has_end=request.path != REMOTE_VIEW):
            if is_unix(request.transport) or request.path == REMOTE_VIEW:
                return await handler(request)
            async with turns.turn(source_of(request)):
                return await handler(request)

    return wait


def _managed(manage: Handler | None) -> Middleware:
    """The middleware that leaves what is the management API's to `manage`, which judges its callers by itself."""

    @web.middleware
    async def pass_on(request: web.Request, handler: Handler) -> web.StreamResponse:
        first = next(filter(None, request.path.split("/")), "")
        return await handler(request) if manage is None or first not in MANAGED else await manage(request)

    return pass_on


def _hooked(hooks: Mapping[str, Hook]) -> Middleware:
    """The middleware that hands calls from outside on: who calls has no right here, its message says who it is."""

    @web.middleware
    async def pass_on(request: web.Request, handler: Handler) -> web.StreamResponse:
        called = hooks.get(request.path) if request.method == "POST" else None
        if called is None:
            return await handler(request)
        async with asyncio.timeout(BODY_WITHIN_S):
            body = await request.read()
        answer = await called(body)
        return web.Response(status=answer.status, text=answer.text)

    return pass_on


def _guard(access: Access, host_name: str) -> Middleware:
    """The middleware that judges every request before its handler sees it; the scope it found is `request[_SCOPE]`."""

    @web.middleware
    async def judge(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[_SCOPE] = Scope.ADMIN if is_unix(request.transport) else await _scope_over_tcp(request, access, host_name)
        return await handler(request)

    return judge


async def _scope_over_tcp(request: web.Request, access: Access, host_name: str) -> Scope:
    reading = request.method in ("GET", "HEAD")
    check_host(request.headers.get("Host", ""), host_name)
    check_origin(request.headers, navigation=reading and request.path == "/")
    scope = await access.scope_of(request.headers, source_of(request))
    if not reading:
        if request.content_type != "application/json":
            raise Refused(415, "writing takes application/json")
        return scope
    if scope is Scope.NONE and not _is_local(request) and request.path not in OPEN_PATHS:
        raise Refused(401, "reading from another machine needs the local password (control.password) or a token")
    return max(scope, Scope.READ)


def source_of(request: web.Request) -> str:
    """Whose wrong answers and connections these are: an address, or one of `core.guesses`' own."""
    if is_unix(request.transport):
        return SOCKET
    return PROXY if _is_loopback(request) and is_proxied(request.headers) else str(address_of(request.transport))


def _is_local(request: web.Request) -> bool:
    """Whether this box asks for itself. HTTP/1.0 is how nginx asks for others when its configuration says nothing of headers."""
    if is_proxied(request.headers) or request.version < HttpVersion11:
        return False
    return _is_loopback(request)


def _is_loopback(request: web.Request) -> bool:
    address = address_of(request.transport)
    return address is not None and address.is_loopback


class _Calls:
    """One method a call."""

    def __init__(self, source: StatusSource, actions: Actions, access: Access) -> None:
        self._source, self._actions, self._access = source, actions, access

    async def health(self, _: web.Request) -> web.Response:
        """Alive, and nothing about the box."""
        return web.json_response({"ok": True})

    async def status(self, _: web.Request) -> web.Response:
        """The object of contract §4."""
        return _json(await self._source.status())

    async def pairing(self, _: web.Request) -> web.Response:
        """{paired, pairing_code, server}."""
        status = await self._source.status()
        return _json({"paired": status.paired, "pairing_code": status.pairing_code, "server": status.server.url})

    async def why(self, request: web.Request) -> web.Response:
        """`?item=`: its id, its content's, or its name. {items: [{item_id, content_id, name, layout, on_air, because}]}."""
        return _json({"items": await self._source.why(request.query.get("item"))})

    async def metrics(self, _: web.Request) -> web.Response:
        """What Prometheus scrapes, in its text format."""
        from player.agent.control.metrics import CONTENT_TYPE, render

        return web.Response(body=render(await self._source.status()), headers={"Content-Type": CONTENT_TYPE})

    async def screen(self, request: web.Request) -> web.Response:
        """What the screen shows now."""
        kind = "png" if request.match_info["suffix"] == "png" else "jpeg"
        return web.Response(body=await self._actions.screenshot(kind), content_type=f"image/{kind}")

    async def lock(self, request: web.Request) -> web.Response:
        """{pin}: local controls are locked."""
        body = await read_body(request)
        pin = pin_of(body)
        await self._need(request, Scope.CONTROL, pin)
        await self._actions.lock(pin, source_of(request))
        return _json({"locked": True})

    async def unlock(self, request: web.Request) -> web.Response:
        """{pin}: the right PIN is itself the right to do it."""
        await self._actions.unlock(pin_of(await read_body(request)), source_of(request))
        return _json({"locked": False})

    async def command(self, request: web.Request) -> web.Response:
        """{type, payload}: a command as the server would give it; answers its result."""
        body = await read_body(request)
        kind, payload = body.get("type"), body.get("payload") or {}
        if not isinstance(kind, str) or not isinstance(payload, dict):
            raise CommandRejected('expected {"type": "…", "payload": {…}}')
        await self._need(request, Scope.ADMIN if kind in ADMIN_COMMANDS else Scope.CONTROL)
        return _json(await self._actions.command(kind, payload))

    async def settings(self, _: web.Request) -> web.Response:
        """{settings: [{name, meaning, range, wanted, found, asked_by, asked_at, outcome, in_effect}]}, read back now."""
        return _json({"settings": await self._actions.settings()})

    async def set(self, request: web.Request) -> web.Response:
        """{value}: a request for one setting, null returns to the configuration; answers its row."""
        body = await read_body(request)
        if "value" not in body:
            raise CommandRejected('expected {"value": …}')
        await self._need(request, Scope.CONTROL)
        who = "the command line" if is_unix(request.transport) else "the control API"
        return _json(await self._actions.set(request.match_info["name"], body["value"], who))

    async def timers(self, _: web.Request) -> web.Response:
        """{timers: [{number, level, on, off, days, volume}]}."""
        return _json({"timers": [timers.shown(timer) for timer in await self._actions.timers()]})

    async def set_timer(self, request: web.Request) -> web.Response:
        """{number, level, on, off, days, volume}: in its place; without both times it goes. Answers what there is then."""
        wanted = timers.read(await read_body(request))
        await self._need(request, Scope.CONTROL)
        await self._actions.set_timer(wanted)
        return await self.timers(request)

    async def _need(self, request: web.Request, scope: Scope, pin: str | None = None) -> None:
        found = request[_SCOPE]
        if found < scope and pin:
            found = await self._access.scope_of_pin(pin, source_of(request))
        if found < scope:
            raise Refused(
                401 if found <= Scope.READ else 403,
                f"this needs the local password, the PIN or a token of scope {scope.name.lower()}",
            )


def _json(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")
