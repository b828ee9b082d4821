"""The AdCast adapter over real HTTP: its document's own examples, the lenient numbers, and bad parts that cost only themselves."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urljoin

import msgspec
import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from player.cms.adcast.adapter import LOOK_UP_EVERY_S, LOOK_UPS, AdCast
from player.cms.adcast.heartbeat import FAULTS, read_heartbeat, read_registration
from player.cms.adcast.programme import AHEAD, ITEMS, Reader
from player.cms.http import ServerHttp
from player.core.brief import Severity
from player.core.content import CUT, Fit, Programme, Rect, Transition, TransitionKind
from player.core.faults import Fault
from player.core.geometry import NOWHERE
from player.core.kinds import Kind
from player.core.ports.server import AppUpdate, CommandResult, CommandStatus, Telemetry
from player.core.schedule import Rule
from player.errors import ServerBusy, ServerNonsense, ServerRefused
from player.runtime.clock import SystemClock
from tests.fakes.clock import FakeClock
from tests.fakes.measured import processor_at_most
from tests.fakes.server import Script, Seen, scripted_server, session
from tests.fakes.way_out import STRAIGHT

UUID = "3f2b8c1e-0a4d-4a3e-9c55-7f1f2d9b6e10"
TELEMETRY = Telemetry("192.168.1.100", -45, 16000, 2400, 13600, True, 80, 86400, "Summer Promo", {"is_locked": False})
RESULT = CommandResult(
    "c/1", "set_volume", CommandStatus.SUCCEEDED, "the volume is 50", 1774440000.0, 1774440001.25, {"volume": 50}
)
ITEM = {
    "id": 1,
    "content_id": 5,
    "name": "Summer Promo",
    "type": "video",
    "download_url": "https://cdn.example.com/5.mp4",
    "duration": 30,
    "file_hash": "abc123",
    "order": 1,
}


@pytest.fixture
async def script():
    async with scripted_server() as made:
        yield made


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
async def cms(script: Script, clock: FakeClock):
    async with session() as http:
        server_http = ServerHttp(http, script.url, STRAIGHT, clock=clock, budget=None, secrets=(UUID,))
        yield AdCast(
            server_http,
            uuid=UUID,
            key="adcast-1",
            clock=clock,
            model="Pi 5",
            os_version="12",
            app_version="0.1.0",
            license_key="ADCAST-1",
            operator=None,
        )


def playlist(*items: object, **more: object) -> dict:
    return {"playlist": {"id": 1, "name": "Lobby", "transition": "fade", "items": list(items)}, "content_to_delete": [], **more}


def read(answer: object) -> Programme:
    def absolute(url: str) -> str:
        return urljoin("http://cms.example.com/", url)

    def download(content: str) -> str:
        return f"http://cms.example.com/api/device/content/{content}/download?uuid=u"

    return Reader("/p", 1.0, absolute, download, "adcast-1").programme(answer)


def one(**fields: object):
    """The single item of a playlist of one, and the faults."""
    programme = read(playlist({**ITEM, **fields}))
    items = programme.layouts[0].regions[0].playlist.items
    return (items[0] if items else None), programme.faults


# --- register ----------------------------------------------------------------------------------------------------------------


async def test_a_box_registers_with_what_it_is(script: Script, cms: AdCast):
    answer = {"device_id": 1, "pairing_code": "4A7X2B", "paired": False, "device_name": None, "is_locked": False, "lock_pin": None}
    script.on("/api/device/register", answer)
    registration = await cms.register({})
    assert (registration.paired, registration.pairing_code, registration.device_name) == (False, "4A7X2B", None)
    about = {"uuid": UUID, "model": "Pi 5", "os_version": "12", "app_version": "0.1.0", "license_key": "ADCAST-1"}
    assert script.seen[0].body == about


@pytest.mark.parametrize(("said", "paired"), [(True, True), (1, True), ("true", True), ("0", False), (None, False)])
def test_paired_is_read_leniently(said: object, paired: bool):
    assert read_registration("/r", {"paired": said, "pairing_code": 123456}).paired is paired


@pytest.mark.parametrize("answer", [{}, [], None, {"message": "ok"}])
def test_n17_a_registration_that_says_nothing_is_nonsense(answer: object):
    with pytest.raises(ServerNonsense):
        read_registration("/r", answer)


async def test_a_box_registers_with_the_key_of_its_plays_and_without_a_licence_that_it_does_not_have(script: Script, cms: AdCast):
    script.on("/api/device/register", {"paired": True})
    await cms.register({"public_key": "AAAA", "proof": {"count": 1}})
    assert (script.seen[0].body["public_key"], script.seen[0].body["proof"]) == ("AAAA", {"count": 1})


# --- heartbeat ---------------------------------------------------------------------------------------------------------------


async def test_a_heartbeat_carries_the_documents_fields_and_the_rest(script: Script, cms: AdCast):
    script.on("/api/device/heartbeat", {"status": "ok", "pending_commands": [], "emergency_alerts": [], "app_update": None})
    answer = await cms.heartbeat(TELEMETRY, [Fault("bad_item", "x cannot be shown", 1774440000.0, "1", "5")], [RESULT])
    body = script.seen[0].body
    wanted = {
        "uuid": UUID, "ip_address": "192.168.1.100", "wifi_signal": -45, "storage_total_mb": 16000, "storage_used_mb": 2400,
        "storage_free_mb": 13600, "screen_on": True, "volume": 80, "uptime_seconds": 86400, "current_content": "Summer Promo",
        "is_locked": False,
    }  # fmt: skip
    assert wanted.items() <= body.items()
    assert body["faults"][0]["since"] == "2026-03-25T12:00:00.000Z"
    assert body["command_results"] == [
        {
            "id": "c/1",
            "type": "set_volume",
            "status": "succeeded",
            "message": "the volume is 50",
            "started_at": "2026-03-25T12:00:00.000Z",
            "finished_at": "2026-03-25T12:00:01.250Z",
            "result": {"volume": 50},
        }
    ]
    assert (answer.paired, answer.locked, answer.commands, answer.alerts, answer.update) == (None, None, (), (), None)


async def test_what_there_is_not_is_left_out_and_never_null(script: Script, cms: AdCast):
    script.on("/api/device/heartbeat", {"status": "ok"})
    lacking = Telemetry(None, None, 1, 1, 1, True, None, 5, None, {"temperature_c": None, "network": "cable"})
    await cms.heartbeat(lacking, [Fault("no_audio", "there is no sound device", 0.0)], [])
    body = script.seen[0].body
    assert not {"ip_address", "wifi_signal", "volume", "current_content", "temperature_c"} & body.keys()
    assert body["network"] == "cable"
    assert not {"item_id", "content_id"} & body["faults"][0].keys()


@pytest.mark.parametrize("status", [400, 422])
async def test_a_strict_server_gets_the_documents_fields_alone_for_a_day_and_a_fault_says_so(
    script: Script, cms: AdCast, clock: FakeClock, status: int
):
    documented = {
        "uuid", "ip_address", "wifi_signal", "storage_total_mb", "storage_used_mb", "storage_free_mb", "screen_on", "volume",
        "uptime_seconds", "current_content",
    }  # fmt: skip

    async def strict(seen: Seen) -> object:
        return {"status": "ok"} if set(seen.body) <= documented else web.Response(status=status)

    script.on("/api/device/heartbeat", strict)
    assert cms.strictness() == ()
    for calls in (2, 3):
        assert (await cms.heartbeat(TELEMETRY, [], [RESULT])).faults == ()
        assert len(script.seen) == calls, "asked with everything once"
    assert set(script.seen[-1].body) == documented
    assert not cms.takes_more
    assert [fault.code for fault in cms.strictness()] == ["fields_refused"]
    clock.forward(86_401)
    assert cms.takes_more
    assert cms.strictness() == ()


async def test_a_server_that_refuses_the_documents_fields_too_is_not_strict_but_refuses(script: Script, cms: AdCast):
    script.on("/api/device/heartbeat", web.Response(status=422), web.Response(status=422))
    with pytest.raises(ServerRefused):
        await cms.heartbeat(TELEMETRY, [], [])
    assert cms.takes_more


def beat(**fields: object):
    return read_heartbeat("/h", {"status": "ok", **fields}, 5.0, lambda url: f"http://cms{url}" if url.startswith("/") else url)


def test_commands_are_read_and_one_without_an_id_costs_only_itself():
    answer = beat(
        pending_commands=[
            {
                "id": 7,
                "type": "set_volume",
                "payload": {"volume": "50"},
                "created_at": "2026-03-25T12:00:00Z",
                "expires_at": 1774440060,
            },
            {"type": "reboot"},
            "nonsense",
            {"id": "8", "type": "refresh", "payload": []},
            {"id": "9", "type": None, "payload": '{"seconds": 5}'},
        ]
    )
    assert [(c.id, c.type, dict(c.payload)) for c in answer.commands] == [
        ("7", "set_volume", {"volume": "50"}),
        ("8", "refresh", {}),
        ("9", "", {"seconds": 5}),
    ]
    assert (answer.commands[0].created_at, answer.commands[0].expires_at) == (1774440000.0, 1774440060.0)
    assert [fault.code for fault in answer.faults] == ["bad_command", "bad_command"]


def test_alerts_are_read_and_an_empty_one_costs_only_itself():
    answer = beat(
        emergency_alerts=[
            {"id": 1, "title": "Fire", "message": "Leave", "severity": "Extreme", "image_url": "/a.png", "color": "#ff0000"},
            {"id": 2},
            {"title": "Wind", "severity": "gale", "expires_at": "2026-03-25T13:00:00+01:00", "image_url": "file:///etc/passwd"},
        ]
    )
    assert answer.alerts is not None
    fire, wind = answer.alerts
    assert (fire.id, fire.severity, fire.color) == ("1", Severity.EXTREME, "#ff0000")
    assert (wind.severity, wind.expires_at) == (Severity.UNKNOWN, 1774440000.0)
    assert answer.alert_images == {"1": "http://cms/a.png"}
    assert [fault.code for fault in answer.faults] == ["bad_alert"]


def test_alerts_that_are_not_mentioned_are_not_an_empty_list():
    assert beat().alerts is None
    assert beat(emergency_alerts=None).alerts is None
    assert beat(emergency_alerts=[]).alerts == ()
    assert beat(emergency_alerts={}).alerts == ()


def test_an_update_notice_without_signature_is_refused():
    update = {"version": "2.1.0", "url": "/u.tar", "sha256": "00", "signature": "sig", "mandatory": 1}
    assert beat(app_update=update).update == AppUpdate("2.1.0", "http://cms/u.tar", "00", "sig", mandatory=True)
    refused = beat(app_update={**update, "signature": None})
    assert refused.update is None
    assert [fault.code for fault in refused.faults] == ["bad_update"]


def test_interval_time_lock_and_pairing_are_read():
    answer = beat(heartbeat_interval="15", server_time="2026-03-25T12:00:00Z", is_locked=1, lock_pin=1234, paired="false")
    assert (answer.heartbeat_interval_s, answer.server_time) == (15.0, 1774440000.0)
    assert (answer.locked, answer.lock_pin, answer.paired) == (True, "1234", False)


async def test_a_server_that_does_not_tell_its_time_tells_it_by_its_date(script: Script, cms: AdCast):
    script.on("/api/device/heartbeat", {"status": "ok", "pending_commands": []})
    before = SystemClock().now().timestamp()
    answer = await cms.heartbeat(TELEMETRY, [], [])
    assert answer.server_time is not None
    assert before - 1 <= answer.server_time <= SystemClock().now().timestamp(), "a date tells whole seconds"


@pytest.mark.parametrize("answer", [[], None, "ok", {}, {"hotel": "welcome"}])
def test_n17_an_answer_that_is_no_heartbeats_is_nonsense(answer: object):
    with pytest.raises(ServerNonsense):
        read_heartbeat("/h", answer, 0.0, str)


# --- programme ---------------------------------------------------------------------------------------------------------------


async def test_the_documents_playlist_becomes_a_programme(script: Script, cms: AdCast):
    script.on("/api/device/playlist", playlist(ITEM, content_to_delete=[3, 7], show_watermark=True))
    programme = await cms.programme()
    assert script.seen[0].query == {"uuid": UUID}
    item = programme.layouts[0].regions[0].playlist.items[0]
    assert (item.id, item.content_id, item.name, item.kind, item.duration_s) == ("1", "5", "Summer Promo", Kind.VIDEO, 30.0)
    assert (item.file, item.url, item.file_hash) == (None, None, "abc123")
    assert programme.layouts[0].regions[0].playlist.transition == Transition(TransitionKind.CROSSFADE, 0.6)
    asset = programme.assets[0]
    assert (asset.content_id, asset.kind, asset.url, asset.file_hash) == ("5", "video", "https://cdn.example.com/5.mp4", "abc123")
    assert (programme.delete, programme.watermark, programme.faults) == (("3", "7"), True, ())


def test_order_orders_and_not_the_place_in_the_list():
    rows = [{**ITEM, "id": n, "content_id": n, "order": order} for n, order in ((1, "3"), (2, 1), (3, 2.5))]
    assert [item.id for item in read(playlist(*rows)).layouts[0].regions[0].playlist.items] == ["2", "3", "1"]


def test_one_bad_item_costs_that_item_and_says_which():
    rows = [
        ITEM,
        {"type": "image"},
        "what",
        {**ITEM, "id": 2, "type": "hologram"},
        {**ITEM, "id": 3, "download_url": "file:///etc/passwd"},
    ]
    programme = read(playlist(*rows))
    assert [item.id for item in programme.layouts[0].regions[0].playlist.items] == ["1"]
    assert [fault.code for fault in programme.faults] == ["bad_item", "bad_item", "unsupported_type", "bad_item"]
    assert programme.faults[2].item_id == "2"
    assert "hologram" in programme.faults[2].message


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "edl://x",
        "lavf://x",
        "memory://x",
        "av://x",
        "fd://3",
        "ftp://a/b",
        "javascript:1",
        "http://[",
    ],
)
@pytest.mark.parametrize("kind", ["video", "web", "livestream"])
def test_c9_addresses_of_other_schemes_are_refused(url: str, kind: str):
    item, faults = one(type=kind, download_url=url)
    assert item is None
    assert [fault.code for fault in faults] == ["bad_item"]


@pytest.mark.parametrize(
    ("kind", "said", "seconds", "reported"),
    [
        ("image", None, 10, False), ("image", "30", 30, False), ("image", 0, 1, False), ("image", -4, 1, True),
        ("image", 1e308, 86400, True), ("image", "soon", 10, True), ("web", 0.2, 1, False), ("web", "NaN", 10, True),
        ("video", None, 0, False), ("video", 0, 0, False), ("video", -1, 0, True), ("video", 12.5, 12.5, False),
        ("video", "NaN", 0, True), ("youtube", None, 0, False), ("livestream", 0, 0, False), ("livestream", 60, 60, False),
        ("image", True, 10, True), ("image", {}, 10, True),
    ],
)  # fmt: skip
def test_c14_durations_are_clamped_and_reported(kind: str, said: object, seconds: float, reported: bool):
    item, faults = one(type=kind, duration=said)
    assert item is not None
    assert item.duration_s == seconds
    assert [fault.code for fault in faults] == (["bad_duration"] if reported else [])


@pytest.mark.parametrize(
    ("said", "transition"),
    [
        ("fade", Transition(TransitionKind.CROSSFADE, 0.6)),
        ("none", CUT),
        ("cut", CUT),
        (None, None),
        ("Slide", Transition(TransitionKind.SLIDE_LEFT, 0.6)),
        ("slide-up", Transition(TransitionKind.SLIDE_UP, 0.6)),
        ("wipe", Transition(TransitionKind.WIPE, 0.6)),
        ("fade-black", Transition(TransitionKind.FADE, 0.6)),
        ({"type": "fade", "duration": 30}, Transition(TransitionKind.CROSSFADE, 5.0)),
        ("starburst", CUT),
    ],
)
def test_a_transition_is_read_from_each_of_its_forms(said: object, transition: Transition | None):
    item, faults = one(transition=said)
    assert item is not None
    assert item.transition == transition
    assert [fault.code for fault in faults] == (["unsupported_transition"] if said == "starburst" else [])


def test_a_relative_download_is_resolved_and_a_missing_one_is_the_devices_own():
    assert read(playlist({**ITEM, "download_url": "/storage/5.mp4"})).assets[0].url == "http://cms.example.com/storage/5.mp4"
    own = read(playlist({**ITEM, "download_url": None})).assets[0]
    assert own.url == "http://cms.example.com/api/device/content/5/download?uuid=u"


def test_what_content_to_download_says_completes_the_items_and_is_prefetched_last():
    bare = {"id": 1, "content_id": 5, "type": "image"}
    listed = [
        {"id": 9, "type": "video", "download_url": "/9.mp4", "file_size": "1000"},
        {"id": 5, "type": "image", "download_url": "/5.png", "file_hash": "md5:1"},
    ]
    programme = read(playlist(bare, content_to_download=listed))
    assert [(a.content_id, a.url, a.file_hash, a.size) for a in programme.assets] == [
        ("5", "http://cms.example.com/5.png", "md5:1", None),
        ("9", "http://cms.example.com/9.mp4", None, 1000),
    ]


def test_content_used_twice_is_wanted_once():
    assert len(read(playlist(ITEM, {**ITEM, "id": 2})).assets) == 1


@pytest.mark.parametrize("nothing", [None, [], {}, {"items": None}, {"items": {}}])
def test_c13_nothing_scheduled_is_an_empty_playlist(nothing: object):
    programme = read({"playlist": nothing})
    assert programme.layouts[0].regions[0].playlist.items == ()


@pytest.mark.parametrize("answer", [{}, [], None, {"message": "ok"}, "x"])
def test_n17_an_answer_without_a_playlist_is_nonsense(answer: object):
    with pytest.raises(ServerNonsense):
        read(answer)


def test_of_many_long_regions_as_much_is_read_as_can_be_held():
    rows = [{"id": n, "content_id": 5, "type": "ticker", "text": "news"} for n in range(ITEMS)]
    areas = [{"id": n, "x": 0, "y": 0, "width": 10, "height": 10, "items": rows} for n in range(4)]
    programme = read({"playlist": {"id": 1}, "layout": {"id": 2, "width": 10, "height": 10, "regions": areas}})
    assert [len(region.playlist.items) for region in programme.layouts[0].regions] == [ITEMS, ITEMS, 0, 0]
    assert [fault.code for fault in programme.faults] == ["shortened", "shortened"]


def test_of_an_endless_playlist_the_first_items_are_shown_and_it_is_told():
    programme = read(playlist(*({**ITEM, "id": n} for n in range(ITEMS + 1))))
    assert len(programme.items) == ITEMS
    assert [fault.code for fault in programme.faults] == ["shortened"]


def test_c12_ten_thousand_items_cost_a_second_or_two_of_processor_time():
    for _ in processor_at_most(4.0):
        programme = read(playlist(*({**ITEM, "id": n, "content_id": n} for n in range(10_000))))
        assert len(programme.layouts[0].regions[0].playlist.items) == 10_000


def test_a_layout_brings_regions_of_their_own():
    region = {
        "id": "ticker", "x": "0", "y": 900, "width": 1920, "height": 180, "z": 2, "fit": "cover", "background": "#AABBCC",
        "audible": False, "transition": "slide", "items": [ITEM],
    }  # fmt: skip
    nowhere = [{**region, "id": f"r{n}", **place} for n, place in enumerate(({"width": 0}, {"x": 1920}, {"y": -180}))]
    programme = read({"playlist": None, "layout": {"width": 1920, "height": 1080, "regions": [region, *nowhere]}})
    assert (programme.layouts[0].width, programme.layouts[0].height, len(programme.layouts[0].regions)) == (1920, 1080, 1)
    ticker = programme.layouts[0].regions[0]
    assert (ticker.rect, ticker.z, ticker.fit, ticker.background) == (Rect(0, 900, 1920, 180), 2, Fit.COVER, "#aabbcc")
    assert (ticker.audible, ticker.playlist.transition.kind, len(ticker.playlist.items)) == (False, TransitionKind.SLIDE_LEFT, 1)
    assert [fault.code for fault in programme.faults] == ["bad_region"] * 3
    assert programme.rules == (Rule("always", layout="layout"),)


def test_a_region_of_sounds_alone_needs_no_place():
    song = {**ITEM, "type": "audio", "duration": None}
    regions = [{"id": "music", "items": [song], "volume": 40}, {"id": "none", "items": [song, ITEM]}, {"id": "empty", "items": []}]
    programme = read({"layout": {"width": 100, "height": 100, "regions": regions}})
    (music,) = programme.layouts[0].regions
    assert (music.id, music.rect, music.volume) == ("music", NOWHERE, 40)
    assert [(item.kind, item.duration_s) for item in music.playlist.items] == [(Kind.AUDIO, 0.0)]
    assert programme.assets[0].kind == "audio"
    assert [fault.code for fault in programme.faults] == ["bad_region"] * 2


def test_more_than_eight_regions_are_cut_and_reported():
    region = {"x": 0, "y": 0, "width": 10, "height": 10, "items": []}
    programme = read({"layout": {"width": 100, "height": 100, "regions": [region] * 9}})
    assert len(programme.layouts[0].regions) == 8
    assert [fault.code for fault in programme.faults] == ["too_many_regions"]


def test_of_a_long_list_of_files_to_fetch_ahead_the_first_are_fetched_and_it_is_a_fault():
    rows = [{"content_id": n, "type": "image", "download_url": f"/f{n}"} for n in range(50_000)]
    reader = Reader("/p", 5.0, lambda url: f"http://cms{url}", str, "k")
    programme = reader.programme({"playlist": None, "content_to_download": rows})
    assert [asset.content_id for asset in programme.assets] == [str(n) for n in range(AHEAD)]
    assert [fault.code for fault in programme.faults] == ["too_many_files"]


def test_of_an_answer_whose_commands_cannot_be_read_some_are_told():
    assert len(beat(pending_commands=[{"type": f"t{n}"} for n in range(500)]).faults) == FAULTS


async def test_a_page_without_an_address_is_looked_up_once_and_the_uuid_stays_here(script: Script, cms: AdCast):
    page = {"id": 2, "content_id": 6, "type": "youtube", "name": "Clip"}
    script.on("/api/device/playlist", playlist(page))
    script.on("/api/device/content/6/download", web.Response(status=302, headers={"Location": "https://youtu.be/x"}))
    for _ in range(3):
        programme = await cms.programme()
        assert programme.layouts[0].regions[0].playlist.items[0].url == "https://youtu.be/x"
    assert len(script.asked("/api/device/content/6/download")) == 1


async def test_a_page_that_leads_nowhere_is_left_out_and_is_the_same_fault_each_time(script: Script, cms: AdCast):
    script.on("/api/device/playlist", playlist(ITEM, {"id": 2, "content_id": 6, "type": "web"}))
    script.on("/api/device/content/6/download", 404)
    first, second = await cms.programme(), await cms.programme()
    assert [item.id for item in second.layouts[0].regions[0].playlist.items] == ["1"]
    assert second.faults == first.faults
    assert second.faults[0].code == "bad_item"


@pytest.mark.parametrize(
    "said",
    [
        {"mime": "application/zip", "download_url": "https://h/d/6"},
        {"mime_type": "application/x-zip-compressed; x", "source_url": "https://h/menu"},
        {"source_url": "https://h/menu.ZIP?v=2"},
    ],
)
def test_a_page_that_comes_as_an_archive_is_a_package(said: dict):
    programme = read(playlist({"id": 2, "content_id": 6, "type": "web", "file_hash": "f", **said}))
    (item,), (asset,) = programme.layouts[0].regions[0].playlist.items, programme.assets
    assert (item.kind, item.url) == (Kind.PACKAGE, None)
    assert (asset.content_id, asset.kind, asset.file_hash) == ("6", "package", "f")
    assert asset.url == said.get("download_url", said.get("source_url"))


def test_a_drawing_comes_as_a_picture():
    programme = read(playlist({"id": 2, "content_id": 6, "type": "svg"}))
    assert programme.layouts[0].regions[0].playlist.items[0].kind is Kind.IMAGE
    assert programme.assets[0].kind == "image"


async def test_a_page_whose_download_is_no_redirect_is_a_package(script: Script, cms: AdCast):
    script.on("/api/device/playlist", playlist({"id": 2, "content_id": 6, "type": "web", "name": "Menu", "file_hash": "f"}))
    script.on("/api/device/content/6/download", web.Response(body=b"PK", content_type="application/octet-stream"))
    for _ in range(2):
        programme = await cms.programme()
        (item,), (asset,) = programme.layouts[0].regions[0].playlist.items, programme.assets
        assert (item.kind, item.url, asset.kind, asset.file_hash) == (Kind.PACKAGE, None, "package", "f")
        assert "/content/6/download?uuid=" in asset.url
    assert len(script.asked("/api/device/content/6/download")) == 1


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(["video", "image", "web", "livestream", "youtube", "pdf", "package"]), _JSON)
def test_c14_whatever_a_duration_is_the_item_stays_for_a_sensible_time(kind: str, said: object):
    urls = {"download_url": "https://h/x", "source_url": "https://h/x"}
    programme = read(playlist({"id": 1, "content_id": 1, "type": kind, "duration": said, **urls}))
    (item,) = programme.layouts[0].regions[0].playlist.items
    endless = kind in ("video", "livestream", "youtube")
    assert 1 <= item.duration_s <= 86_400 or (endless and 0 <= item.duration_s < 1)


_FIELDS = sorted({*ITEM, "source_url", "url", "transition", "fit", "volume", "weight", "web", "file_size", "schedule_id"})


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.dictionaries(st.sampled_from(_FIELDS), _JSON, max_size=8), max_size=5), _JSON, _JSON)
def test_n17_whatever_an_item_holds_the_good_one_plays(rows: list[dict], layout: object, listed: object):
    programme = read(playlist(*rows, {**ITEM, "id": "good", "order": 0}, content_to_download=listed))
    assert "good" in [item.id for item in programme.layouts[0].regions[0].playlist.items]
    msgspec.json.encode(programme)
    msgspec.json.encode(read({"layout": layout, "playlist": None}))
    msgspec.json.encode(read({"layout": {"regions": [layout, *rows]}}))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(["pending_commands", "emergency_alerts", "app_update", "is_locked", "server_time"]), _JSON))
def test_n17_whatever_a_heartbeats_answer_holds_it_is_read(fields: dict):
    msgspec.json.encode(beat(**fields))


# --- results, plays, pictures --------------------------------------------------------------------------------------------------


async def test_a_result_is_posted_to_its_command(script: Script, cms: AdCast):
    script.on("/api/device/commands/c/1/result", {})
    assert await cms.send_result(replace(RESULT, id="c/1"))
    assert script.seen[0].body["status"] == "succeeded"
    assert script.seen[0].body["uuid"] == UUID


@pytest.mark.parametrize(("status", "asked"), [(405, 1), (404, 2)])
async def test_a_server_without_the_path_is_remembered_for_a_day(
    script: Script, cms: AdCast, clock: FakeClock, status: int, asked: int
):
    for n in range(5):
        script.on(f"/api/device/commands/{n}/result", status)
        assert not await cms.send_result(replace(RESULT, id=str(n)))
        assert not await cms.send_result(replace(RESULT, id=str(n)))
    assert len(script.seen) == asked
    clock.forward(86401)
    script.on("/api/device/commands/1/result", {})
    assert await cms.send_result(replace(RESULT, id="1"))


async def test_one_command_that_the_server_forgot_is_not_a_missing_path(script: Script, cms: AdCast):
    script.on("/api/device/commands/2/result", {})
    assert not await cms.send_result(replace(RESULT, id="1"))
    assert await cms.send_result(replace(RESULT, id="2"))


async def test_other_refusals_of_a_result_are_errors(script: Script, cms: AdCast):
    script.on("/api/device/commands/1/result", 422)
    with pytest.raises(ServerRefused):
        await cms.send_result(replace(RESULT, id="1"))


@pytest.mark.parametrize(
    ("answer", "accepted"),
    [({"accepted": ["a"]}, ["a"]), ({"accepted": []}, []), ({}, ["a", "b"]), (web.Response(status=202), ["a", "b"])],
)
async def test_accepted_plays_are_those_listed_or_all(script: Script, cms: AdCast, answer: object, accepted: list[str]):
    script.on("/api/device/playback", answer)
    assert await cms.send_plays([{"id": "a"}, {"id": "b"}]) == accepted
    assert script.seen[0].body == {"uuid": UUID, "events": [{"id": "a"}, {"id": "b"}]}


async def test_a_screenshot_is_sent_as_a_form(script: Script, cms: AdCast):
    script.on("/api/device/screenshot", {})
    await cms.send_screenshot("c1", 1774440000.0, (1920, 1080), b"\xff\xd8jpeg")
    assert script.seen[0].body == {
        "uuid": UUID,
        "command_id": "c1",
        "taken_at": "2026-03-25T12:00:00.000Z",
        "width": "1920",
        "height": "1080",
        "file": b"\xff\xd8jpeg",
    }
    assert UUID not in repr(cms)


async def test_a_screenshot_is_tried_again_while_the_way_is_bad(script: Script):
    script.on("/api/device/screenshot", 503, 502, {})
    async with session() as http:
        server_http = ServerHttp(http, script.url, STRAIGHT, clock=SystemClock(), budget=None, secrets=())
        cms = AdCast(
            server_http,
            uuid=UUID,
            key="k",
            clock=SystemClock(),
            model="m",
            os_version="1",
            app_version="1",
            license_key="",
            operator=None,
        )
        await cms.send_screenshot("c1", 1774440000.0, (1920, 1080), b"jpeg")
        assert len(script.seen) == 3
        script.on("/api/device/screenshot", 404)
        with pytest.raises(ServerRefused):
            await cms.send_screenshot("c1", 1774440000.0, (1920, 1080), b"jpeg")
        script.on("/api/device/screenshot", web.Response(status=429, headers={"Retry-After": "600"}))
        with pytest.raises(ServerBusy):
            await cms.send_screenshot("c1", 1774440000.0, (1920, 1080), b"jpeg")
    assert len(script.seen) == 5


async def test_pages_without_an_address_are_looked_up_some_at_once_and_the_others_in_time(
    cms: AdCast, script: Script, clock: FakeClock
):
    pages = [{"id": n, "content_id": f"page{n}", "name": f"Page {n}", "type": "web"} for n in range(LOOK_UPS + 50)]
    script.on("/api/device/playlist", {"playlist": {"id": 1, "items": pages}})
    for number in range(len(pages)):
        path = f"/api/device/content/page{number}/download"
        script.on(path, web.HTTPFound(f"https://example.com/{number}"))

    def looked_up() -> int:
        return len([seen for seen in script.seen if "/content/" in seen.path])

    assert len((await cms.programme()).items) == LOOK_UPS
    assert looked_up() == LOOK_UPS
    clock.forward(20 * LOOK_UP_EVERY_S)
    made = await cms.programme()
    assert (len(made.items), looked_up()) == (LOOK_UPS + 20, LOOK_UPS + 20)
    assert {fault.code for fault in made.faults} == {"bad_item"}


async def test_what_is_to_be_deleted_is_read_as_far_as_anything_can_be_held(cms: AdCast, script: Script):
    script.on("/api/device/playlist", {"playlist": None, "content_to_delete": [f"c{n}" for n in range(ITEMS + 5)]})
    assert len((await cms.programme()).delete) == ITEMS
