"""Every way out of the box, one by one: each trusts the private authority, goes through the proxy and says who we are.

The server's name is known behind the proxy alone, and its certificate is one that only `cms.ca_file` vouches for.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest
from aiohttp import web
from yarl import URL

from player.agent.content.feeds import Feeds
from player.cli.checks import server_probe
from player.cms.http import ServerHttp
from player.compositor.sway import Sway
from player.config import CmsConfig, Config, ControlConfig, FallbackConfig, NetworkConfig, TimeConfig
from player.core.address_policy import beside
from player.core.content import Item, WantedAsset, WebOptions
from player.core.egress import SYSTEM_AUTHORITIES, Proxy, WayOut, straight
from player.core.kinds import Kind
from player.core.ports.screen import Playable
from player.errors import ConfigError, ContentError, ProxyBroken, ServerUnreachable
from player.media.fetch.egress import Egress, Way
from player.media.store.cache import Cache
from player.runtime.clock import SystemClock
from player.runtime.lookup import by_the_system
from player.runtime.sessions import open_session
from player.runtime.tasks import Latest, keep_running
from player.stage.targets import Targets
from player.stage.video.gate import Gate
from player.stage.video.youtube import Resolver
from player.stage.wall import Wall
from player.way_out import USER_AGENT, read_address_policy, read_way_out, way_out_as_can_be
from tests.fakes.browsers import browser_process
from tests.fakes.clock import FakeClock
from tests.fakes.downloads import real_downloads
from tests.fakes.faults import fault_page
from tests.fakes.films import open_film
from tests.fakes.proxy import PASSWORD, USER, FakeProxy, private_authority, proxy
from tests.fakes.running import eventually, running
from tests.fakes.server import raw_server
from tests.fakes.stage import FakeStage

ROOT = Path(__file__).parent.parent
SECURE, PLAIN = "cms.signage.test", "plain.signage.test"
RSS = "<rss version='2.0'><channel><title>News</title><item><title>It is spring</title></item></channel></rss>"
PAGE = (
    "<!doctype html><title>waiting</title><link rel=icon href=/icon.png><script>fetch('/told').then(r => r.text())"
    ".then(t => document.title = t); new Worker('/worker.js'); navigator.serviceWorker?.register('/service.js')</script>"
)


@dataclass
class Field:
    """A server behind a proxy, and the way there."""

    way_out: WayOut
    proxy: FakeProxy
    asked: list[web.Request]
    folder: Path
    url: str

    def agents(self, path: str) -> set[str]:
        return {request.headers.get("User-Agent", "") for request in self.asked if request.path.startswith(path)}


def make_stream(folder: Path) -> None:
    """HLS of two seconds in red."""
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=red:s=160x90:r=10:d=2", "-c:v", "libx264", "-f", "hls",
         "-hls_time", "1", "-hls_list_size", "0", str(folder / "live.m3u8")], check=True,
    )  # fmt: skip


@contextlib.asynccontextmanager
async def served(folder: Path, asked: list[web.Request], tls: object = None) -> AsyncIterator[int]:
    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(request)
        texts = {"/api/a": ("{}", "application/json"), "/feed": (RSS, "application/rss+xml"), "/page": (PAGE, "text/html"),
                 "/told": ("told", "text/plain"), "/worker.js": ("fetch('/by-worker')", "text/javascript"),
                 "/service.js": ("fetch('/by-service')", "text/javascript"),
                 "/watch": ("<title>A page</title><video src='/clip.mp4'></video>", "text/html")}  # fmt: skip
        if request.path in texts:
            text, kind = texts[request.path]
            return web.Response(text=text, content_type=kind)
        return web.FileResponse(folder / request.path.lstrip("/"))

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()  # type: ignore[arg-type]
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@pytest.fixture(params=["secure", "plain"])
async def field(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Field]:
    tls, ca_file = private_authority(tmp_path, SECURE)
    make_stream(tmp_path)
    (tmp_path / "picture.bin").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    (tmp_path / "clip.mp4").write_bytes(b"")
    (tmp_path / "password").write_text(PASSWORD + "\n")
    secure, asked = request.param == "secure", list[web.Request]()
    async with (
        served(tmp_path, asked, tls if secure else None) as port,
        proxy({SECURE if secure else PLAIN: port}, PASSWORD) as made,
    ):
        network = NetworkConfig(proxy=f"http://{USER}@{made.address}", proxy_password_file=str(tmp_path / "password"))
        config = Config(cms=CmsConfig(ca_file=str(ca_file)), network=network, time=TimeConfig(zone="Asia/Tokyo"))
        (tmp_path / "run").mkdir()
        way_out = way_out_as_can_be(config, {}, tmp_path / "run", untold)
        yield Field(way_out, made, asked, tmp_path, f"https://{SECURE}" if secure else f"http://{PLAIN}")


def untold(error: ConfigError) -> None:
    raise error


# --- one by one


@contextlib.asynccontextmanager
async def walled(way_out: WayOut) -> AsyncIterator[Wall]:
    """What the stage puts between pages, streams and that way out."""
    with contextlib.closing(Wall(way_out, beside(""), by_the_system())) as wall:
        async with running(wall.run()):
            yield wall


async def test_the_api_is_called_by_the_way_out_and_as_the_player(field: Field):
    async with open_session(field.way_out) as session:
        assert await ServerHttp(session, field.url, field.way_out, clock=FakeClock(), budget=None, secrets=()).get("/api/a") == {}
    assert field.agents("/api") == {USER_AGENT}
    assert field.proxy.seen


async def test_doctor_asks_by_the_way_out_and_names_a_proxy_that_refuses(field: Field):
    (found,) = await asyncio.to_thread(lambda: list(server_probe.server(field.url, "/api/a", field.way_out)))
    assert (found.result, found.detail.endswith("over plain HTTP")) == ("passed", field.url.startswith("http:")), found
    assert field.agents("/api") == {USER_AGENT}
    assert field.proxy.seen
    nobody = replace(
        field.way_out, http_proxy=Proxy("127.0.0.1", field.proxy.port), https_proxy=Proxy("127.0.0.1", field.proxy.port)
    )
    (refused,) = await asyncio.to_thread(lambda: list(server_probe.server(field.url, "/api/a", nobody)))
    assert "407" in refused.detail
    assert "network.proxy" in refused.remedy


async def test_downloads_come_by_the_way_out(field: Field):
    egress = Egress(beside(field.url), field.way_out)
    async with egress.session() as session:
        downloads = real_downloads(session, field.folder / "parts", egress)
        asset = WantedAsset("1", "picture", Kind.IMAGE, f"{field.url}/picture.bin")
        assert (await downloads.fetch(asset, "ab", 10**6)).size == 108
    assert field.agents("/picture") == {USER_AGENT}


async def test_feeds_come_by_the_way_out(field: Field):
    egress, clock = Egress(beside(field.url), field.way_out), SystemClock()
    cache = Cache(field.folder / "cache", clock, 10**9)
    item = Item("t", "t", "News", Kind.TICKER, 10.0, url=f"{field.url}/feed")
    async with egress.session() as session:
        feeds = Feeds(cache, session, egress, FakeStage(), clock, lambda: None, faults=fault_page())
        await feeds.want([item])
        async with running(feeds.run()):
            await eventually(lambda: feeds.here)
    assert field.agents("/feed") == {USER_AGENT}


async def test_streams_play_by_the_way_out_with_their_segments(field: Field):
    async with walled(field.way_out) as wall:
        options = {"vo": "null", "ao": "null", "hwdec": "no"}
        gate = Gate(wall.admits, fault_page())
        surface = await open_film("sig-x", (160, 90), options, wall.for_streams, gate=gate)
        try:
            item = Item("s", "s", "Live", Kind.LIVESTREAM, 10.0, url=f"{field.url}/live.m3u8")
            await surface.load(Playable(item, f"{field.url}/live.m3u8", (160, 90)))
        finally:
            await surface.close()
    assert {request.path for request in field.asked} >= {"/live.m3u8", "/live0.ts"}
    assert field.agents("/live") == {USER_AGENT}


async def test_youtube_addresses_are_resolved_by_the_way_out(field: Field):
    host = field.url.partition("//")[2]
    async with walled(field.way_out) as wall:
        assert await Resolver((host,), wall.for_pages)(f"{field.url}/watch") == f"{field.url}/clip.mp4"
    assert all(agent.endswith(f" {USER_AGENT}") for agent in field.agents("/watch"))
    assert field.agents("/watch")


@pytest.mark.stage
async def test_pages_and_their_workers_load_by_the_way_out_and_in_its_zone(field: Field, headless_sway: Path, runtime_dir: Path):
    async with await Sway.connect(headless_sway, 30) as sway, walled(field.way_out) as wall:
        latest = Latest(wall.for_pages)
        browser = browser_process(runtime_dir, sway.session.wayland_display, way_out=latest, load_s=20)
        async with running(browser.run()):
            page = await browser.open("main-a", "")
            await page.open(f"{field.url}/page", "page", WebOptions(), (640, 360), "#000000")
            alone = ("/by-service",) if field.url.startswith("https:") else ()  # nowhere else may a page have one
            for path in ("/told", "/icon.png", "/by-worker", *alone):
                await eventually(lambda path=path: field.agents(path), 20)
            zone = await page._evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone + new Date().getTimezoneOffset()")
            assert zone == "Asia/Tokyo-540"
    assert all(agent.startswith("Mozilla/") and agent.endswith(f" {USER_AGENT}") for agent in field.agents("/"))


@pytest.mark.stage
async def test_the_browser_starts_anew_in_another_zone(headless_sway: Path, runtime_dir: Path):
    async with await Sway.connect(headless_sway, 30) as sway:
        latest = Latest(replace(straight(USER_AGENT), zone="Asia/Tokyo"))
        browser = browser_process(runtime_dir, sway.session.wayland_display, way_out=latest, load_s=20)
        async with running(keep_running("browser", browser.run)):
            seen = []
            for zone in ("Asia/Tokyo", "America/Lima"):
                before = browser.pid
                latest.set(replace(latest.value, zone=zone))
                if before:
                    await eventually(lambda before=before: browser.pid not in (0, before), 20)
                page = await browser.open("main-a", "")
                seen.append(await page._evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone"))
            assert seen == ["Asia/Tokyo", "America/Lima"]


# --- a proxy that is broken


async def what_is_told(way_out: WayOut, url: str) -> list[ServerUnreachable]:
    """By the API, and by a download."""
    found = []
    egress = Egress(beside(url), way_out)
    async with open_session(way_out) as session, egress.session() as downloads:
        with pytest.raises(ServerUnreachable) as api:
            await ServerHttp(session, url, way_out, clock=FakeClock(), budget=None, secrets=(), total_s=2).get("/api/a")
        found.append(api.value)
        with pytest.raises(ServerUnreachable) as media:
            async with Way(downloads, egress, {}, 2).open(URL(f"{url}/a"), "a", {}):
                pass
        found.append(media.value)
    return found


def through(address: str, user: str = "", password: str = "") -> WayOut:
    found = Proxy.of(f"http://{address}")
    found = Proxy(found.host, found.port, user, password)
    return replace(straight(USER_AGENT), http_proxy=found, https_proxy=found)


@pytest.mark.parametrize("url", [f"https://{SECURE}", f"http://{PLAIN}"])
async def test_a_proxy_that_is_not_there_or_none_is_told_as_such(url: str):
    for error in await what_is_told(through("127.0.0.1:1"), url):
        assert (error.code, "127.0.0.1:1 cannot be reached" in str(error)) == ("proxy", True)
    for error in await what_is_told(through("no-such-proxy.invalid:3128"), url):
        assert (error.code, "name that cannot be resolved" in str(error)) == ("proxy", True)

    async def babbles(_: object, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")

    async def closes(_: object, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def keeps_silent(_: object, __: asyncio.StreamWriter) -> None:
        await asyncio.sleep(5)

    for serve, says in ((babbles, "not HTTP"), (closes, "closed the connection"), (keeps_silent, "no answer in time")):
        async with raw_server(serve) as broken:
            for error in await what_is_told(through(broken.removeprefix("http://")), url):
                assert isinstance(error, ProxyBroken), error
                assert says in str(error)
                assert "check network.proxy" in str(error)


@pytest.mark.parametrize("url", [f"https://{SECURE}", f"http://{PLAIN}"])
async def test_a_wrong_password_is_told_as_such_and_a_server_that_is_away_as_that(url: str):
    async with proxy({}, PASSWORD) as made:
        for error in await what_is_told(through(made.address, USER, "wrong"), url):
            assert (error.code, "another user or password" in str(error)) == ("proxy", True)
            assert "wrong" not in str(error)
    async with proxy({}) as made:
        told = await what_is_told(through(made.address), f"https://{SECURE}")
        assert [(error.code, "502" in str(error)) for error in told] == [("server_unreachable", True)] * 2


async def streams_told(way_out: WayOut, url: str) -> list[ContentError]:
    """By mpv, and by yt-dlp, as the stage asks them."""
    async with walled(way_out) as wall:
        targets = Targets(wall, Resolver((url.partition("//")[2],), wall.for_pages))
        live, video = (
            Item("s", "s", "Live", kind, 10.0, url=url + path)
            for kind, path in ((Kind.LIVESTREAM, "/live.m3u8"), (Kind.YOUTUBE, "/watch"))
        )
        options = {"vo": "null", "ao": "null", "hwdec": "no"}
        gate = Gate(wall.admits, fault_page())
        surface = await open_film("sig-x", (160, 90), options, wall.for_streams, gate=gate, why=wall.why)
        try:
            with pytest.raises(ContentError) as stream:
                await surface.load(Playable(live, await targets(live), (160, 90)))
        finally:
            await surface.close()
        with pytest.raises(ContentError) as resolved:
            await targets(video)
        return [stream.value, resolved.value]


@pytest.mark.parametrize("url", [f"https://{SECURE}", f"http://{PLAIN}"])
async def test_a_stream_behind_a_broken_proxy_is_told_as_the_proxys_fault(url: str):
    for error in await streams_told(through("127.0.0.1:1"), url):
        assert (error.code, "127.0.0.1:1 cannot be reached" in error.reason) == ("proxy", True), error
    async with proxy({}, PASSWORD) as made:
        for error in await streams_told(through(made.address, USER, "wrong"), url):
            assert (error.code, "another user or password" in error.reason) == ("proxy", True), error
            assert "wrong" not in str(error)
    async with proxy({}) as made:
        assert [error.code for error in await streams_told(through(made.address), url)] == ["unplayable", "unresolved"]


async def test_an_address_that_is_written_out_is_checked_behind_a_proxy_too():
    async with proxy({}) as made:
        egress = Egress(beside("https://cms.example.com"), through(made.address))
        for address in ("http://127.0.0.1/a", "http://localhost/a", "http://192.168.0.1/a", "http://[::1]/a"):
            with pytest.raises(ContentError) as caught:
                await egress.check(URL(address), "a")
            assert caught.value.code == "forbidden_address"
        await egress.check(URL("http://media.signage.test/a"), "a")


# --- as it is configured


def test_without_a_proxy_the_environments_is_used():
    environment = {"HTTP_PROXY": "plain:1", "https_proxy": "http://me@secure:2", "NO_PROXY": ".intern"}
    found = read_way_out(Config(), environment)
    assert (found.http_proxy, found.https_proxy, found.no_proxy) == (Proxy("plain", 1), Proxy("secure", 2, "me"), ("intern",))
    own = Config(network=NetworkConfig(proxy="http://own:3", no_proxy=("own.intern",)))
    found = read_way_out(own, environment)
    assert (found.http_proxy, found.https_proxy, found.no_proxy) == (Proxy("own", 3), Proxy("own", 3), ("own.intern",))
    assert read_way_out(Config(), {"ALL_PROXY": "http://all:4"}).https_proxy == Proxy("all", 4)
    assert read_way_out(Config(), {}) == straight(USER_AGENT)


def test_what_cannot_be_read_is_told_and_the_screen_goes_on_without(tmp_path: Path):
    told: list[ConfigError] = []
    network = NetworkConfig(proxy="http://me@own:3", proxy_password_file="/no/such/file")
    config = Config(cms=CmsConfig(ca_file="/no/such/ca.pem"), network=network)
    found = way_out_as_can_be(config, {}, tmp_path, told.append)
    assert found == straight(USER_AGENT)
    assert [error.key for error in told] == ["network.proxy_password_file", "cms.ca_file"]
    with pytest.raises(ConfigError, match="HTTP_PROXY"):
        read_way_out(Config(), {"HTTP_PROXY": "socks5://x:1"})


def test_one_file_holds_all_whom_we_trust(tmp_path: Path):
    (tmp_path / "ca.pem").write_bytes(b"OURS")
    found = way_out_as_can_be(Config(cms=CmsConfig(ca_file=str(tmp_path / "ca.pem"))), {}, tmp_path, untold)
    assert Path(found.authorities).read_bytes() == Path(SYSTEM_AUTHORITIES).read_bytes() + b"\nOURS"


# --- all of them

# What opens a connection, or starts what may.
OPENS = {
    "ClientSession", "TCPConnector", "create_subprocess_exec", "Popen", "HTTPConnection", "HTTPSConnection",
    "urlopen", "open_connection", "create_connection", "Handle", "YoutubeDL", "ws_connect", "run_program", "_Straight",
}  # fmt: skip
# Who stands for each place: a class or function that takes the way out, and has no default for it.
TAKES = {
    "player.cli.checks.server_probe": ("server",),
    "player.cms.push": ("open_line",),
    "player.runtime.sessions": ("open_session",),
    "player.stage.video.mpv": ("MpvSurface.create",),
    "player.stage.video.youtube": ("Resolver.__init__",),
    "player.stage.wall": ("Wall.__init__",),
}
# Those that use a session of `runtime.sessions`, whose proxy is asked for at each request, or tell another process the way.
ASK = {
    "player.cms": ("connect",), "player.cms.http": ("ServerHttp.__init__",), "player.media.fetch.egress": ("Egress.__init__",),
    "player.agent.app": ("Agent.__init__",), "player.stage.app": ("Stage.__init__",),
    "player.stage.backends.sway": ("SwayScreen.__init__",), "player.stage.backends.single": ("SingleScreen.__init__",),
    "player.stage.web.browser": ("BrowserProcess.__init__",),
}  # fmt: skip
INSIDE = {
    "player.agent.devices.examination": "asks `doctor`, which goes the configured way itself",
    "player.agent.settings.public_holidays": "computes dates",
    "player.cli.checks.machine": "asks programs of this machine",
    "player.cli.demonstration": "starts players of its own",
    "player.cli.support": "asks programs of this machine",
    "player.cli.trial": "systemd",
    "player.cli.update": "the update's own installer, and systemd",
    "player.compositor.sway": "grim: the compositor's socket",
    "player.demo.adcast.client": "the demonstration's own server, on loopback",
    "player.demo.spot.webhooks": "the demonstration's own calls to whoever it was asked to tell",
    "player.demo.spotwatch.server": "the demonstration's own calls to whoever it was asked to tell",
    "player.demo.samples": "ffmpeg on files that it makes",
    "player.demo.thumbs": "ffmpeg on files",
    "player.device.alsa": "the sound device",
    "player.device.updates": "asks our own command, and systemd",
    "player.device.vpn": "asks systemd",
    "player.device.packages": "asks dpkg; apt, as root, goes the way that the system has",
    "player.device.root_verbs": "root's helper: the system's own programs",
    "player.launch.supervisor": "the player's own daemons",
    "player.media.prepare.children": "reads files alone, and is told of no proxy",
    "player.media.prepare.ffmpeg": "ffmpeg, within the child above",
    "player.runtime.programs": "starts what the others of this list ask",
    "player.stage.web.quarters": "starts who looks after the browser",
    "player.stage.web.steward": "starts the browser with the flags that `stage.web.browser` has of the way out",
}


@cache
def modules() -> dict[str, ast.Module]:
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): ast.parse(path.read_text())
        for path in sorted((ROOT / "player").rglob("*.py"))
    }


def test_every_place_that_opens_a_connection_is_listed():
    found = {
        name
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        if ast.unparse(node.func) == "subprocess.run" or ast.unparse(node.func).rpartition(".")[2] in OPENS
    }
    assert found == TAKES.keys() | INSIDE.keys()


@pytest.mark.parametrize(("module", "name"), [(m, n) for m, names in (TAKES | ASK).items() for n in names])
def test_who_reaches_the_network_takes_the_way_out_without_a_default(module: str, name: str):
    owner, _, method = name.rpartition(".")
    tree = modules()[module]
    scopes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == owner] if owner else [tree]
    (function,) = {
        node
        for scope in scopes
        for node in getattr(scope, "body", [])
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == method
    }
    arguments = function.args
    with_default = [*arguments.args][len(arguments.args) - len(arguments.defaults) :]
    with_default += [one for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if default]
    assert "way_out" in {one.arg for one in (*arguments.args, *arguments.kwonlyargs)} - {one.arg for one in with_default}


def test_where_content_may_go_is_told_by_both_sources_and_a_folder_is_nowhere():
    first = CmsConfig(url="https://cms.example.com")
    config = Config(cms=first, fallback=FallbackConfig(kind="spot", url="http://192.168.7.9:8000"))
    assert (read_address_policy(config).server, read_address_policy(config).second) == (
        "https://cms.example.com",
        "http://192.168.7.9:8000",
    )
    for kind in ("", "folder"):
        assert read_address_policy(Config(cms=first, fallback=FallbackConfig(kind=kind, url="http://192.168.7.9"))).second == ""
    doors = ControlConfig(listen="0.0.0.0:8770", tls_listen="[::]:8443")
    assert read_address_policy(Config(cms=first, control=doors)).listeners == {8770, 8443}
    assert read_address_policy(Config(cms=first, control=ControlConfig(listen=""))).listeners == set()
    offline = read_address_policy(Config(cms=CmsConfig(kind="folder", url="http://10.0.0.1"), fallback=config.fallback))
    assert (offline.server, offline.second) == ("", "http://192.168.7.9:8000")
