"""Uploads, downloads with ranges, playlists, layouts, schedules, and what a device is told of them."""

from __future__ import annotations

import hashlib
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import FormData

from player.demo.adcast.client import CallRefused, Operator
from player.demo.adcast.server import DemoServer, Limits
from player.demo.files import wanted_range
from tests.fakes.samples import make_picture

VIDEO = b"\x00\x00\x00\x20ftypisom" + bytes(range(256)) * 1200


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(VIDEO)
    return path


async def test_an_upload_is_hashed_and_comes_back(operator: Operator, clip: Path, device):
    content = await operator.upload(clip, "Promo", duration=30)
    assert (content["type"], content["mime"], content["duration"], content["status"]) == ("video", "video/mp4", 30, "active")
    assert isinstance(content["duration"], int), "a whole number goes back as one"
    assert (content["file_size"], content["file_hash"]) == (len(VIDEO), hashlib.sha256(VIDEO).hexdigest())
    token = {"Authorization": f"Bearer {operator.token}"}
    status, headers, body = await device.call("GET", content["download_url"].removeprefix(device.url), headers=token)
    assert (status, body, headers["Content-Disposition"]) == (200, VIDEO, "attachment")


async def test_content_is_listed_by_type_status_and_name(operator: Operator, clip: Path):
    promo = await operator.upload(clip, "Summer Promo")
    page = await operator.link("https://example.com/", name="Promo page")
    await operator.update_content(page["id"], status="inactive", name="Promo site", duration=15)
    for query, names in (
        ("type=video", ["Summer Promo"]),
        ("status=inactive", ["Promo site"]),
        ("search=PROMO&per_page=1", ["Summer Promo"]),
        ("search=PROMO&per_page=1&page=2", ["Promo site"]),
        ("search=%25", []),
        ("type=video%27%20OR%201=1--", []),
    ):
        listed = await operator.request("GET", f"/api/content?{query}")
        assert [row["name"] for row in listed["data"]] == names, query
    assert (await operator.request("GET", f"/api/content/{promo['id']}"))["content"] == promo


async def test_the_same_bytes_are_kept_once_and_go_with_the_last(
    operator: Operator, stranger: Operator, clip: Path, server: DemoServer
):
    mine, theirs = await operator.upload(clip), await stranger.upload(clip)
    files = server.folder / "files"
    assert [path.name for path in files.iterdir()] == [mine["file_hash"]]
    await operator.delete_content(mine["id"])
    assert len(list(files.iterdir())) == 1
    await stranger.delete_content(theirs["id"])
    assert list(files.iterdir()) == []


async def test_c8_no_name_from_a_client_reaches_the_file_system(operator: Operator, server: DemoServer, device):
    for name in ("../../../tmp/evil.mp4", "/etc/passwd", "a\x00b", "x" * 4000, "CON"):
        form = FormData({"name": name[:200], "type": "video"})
        form.add_field("file", VIDEO + name.encode(), filename=name.replace("\x00", "%00"), content_type="video/mp4")
        headers = {"Authorization": f"Bearer {operator.token}"}
        status, _, answer = await device.call("POST", "/api/content", data=form, headers=headers)
        assert status == 201, answer
    assert {len(path.name) for path in (server.folder / "files").iterdir()} == {64}
    for path in ("/pages/../adcast.sqlite3", "/pages/..%2fadcast.sqlite3", "/operator.py", "/..%2f..%2fetc/passwd"):
        status, _, _ = await device.call("GET", path)
        assert status == 404, path


@pytest.mark.parametrize(
    ("fields", "file", "field"),
    [
        ({"name": "No file", "type": "video"}, None, "file"),
        ({"name": "Text", "type": "image"}, b"not a picture", "file"),
        ({"name": "Empty", "type": "video"}, b"", "file"),
        ({"name": "Kind", "type": "hologram"}, VIDEO, "type"),
        ({"type": "video"}, VIDEO, "name"),
        ({"name": "No address", "type": "web"}, None, "source_url"),
        ({"name": "File", "type": "web", "source_url": "file:///etc/passwd"}, None, "source_url"),
        ({"name": "Script", "type": "youtube", "source_url": "javascript:alert(1)"}, None, "source_url"),
        ({"name": "Long", "type": "video", "duration": "-1"}, VIDEO, "duration"),
    ],
)
async def test_an_upload_that_makes_no_sense_is_refused_and_leaves_nothing(
    operator: Operator, server: DemoServer, device, fields: dict[str, str], file: bytes | None, field: str
):
    form = FormData(fields)
    if file is not None:
        form.add_field("file", file, filename="file")
    else:
        form.add_field("more", "", filename="more")
    headers = {"Authorization": f"Bearer {operator.token}"}
    status, _, answer = await device.call("POST", "/api/content", data=form, headers=headers)
    assert (status, list(answer["errors"])) == (422, [field])
    assert list((server.folder / "files").iterdir()) == []


async def test_an_upload_above_the_limit_is_cut_off(tmp_path: Path, clip: Path):
    async with DemoServer(tmp_path / "small", limits=Limits(upload=1000)) as server, Operator(server.url) as operator:
        await operator.register("Ada", "ada@example.com", "correct horse", "Ada's")
        with pytest.raises(CallRefused) as refused:
            await operator.upload(clip)
        assert refused.value.status == 413
        assert list((server.folder / "files").iterdir()) == []


# --- downloads -------------------------------------------------------------------------------------------------------------------


async def test_n7_a_download_can_be_resumed(device, operator: Operator, paired, clip: Path):
    content = await operator.upload(clip)
    path, etag = f"/api/device/content/{content['id']}/download?uuid={device.uuid}", f'"{content["file_hash"]}"'
    status, headers, body = await device.call("GET", path)
    assert (status, body, headers["ETag"], headers["Accept-Ranges"]) == (200, VIDEO, etag, "bytes")
    status, headers, body = await device.call("HEAD", path)
    assert (status, headers["Content-Length"], body) == (200, str(len(VIDEO)), b"")
    for wanted, first, end in (("bytes=1000-", 1000, len(VIDEO)), ("bytes=0-0", 0, 1), ("bytes=-5", len(VIDEO) - 5, len(VIDEO))):
        status, headers, body = await device.call("GET", path, headers={"Range": wanted, "If-Range": etag})
        assert (status, body) == (206, VIDEO[first:end])
        assert headers["Content-Range"] == f"bytes {first}-{end - 1}/{len(VIDEO)}"
    status, _, body = await device.call("GET", path, headers={"If-None-Match": etag})
    assert (status, body) == (304, b"")
    status, headers, _ = await device.call("GET", path, headers={"Range": f"bytes={len(VIDEO)}-"})
    assert (status, headers["Content-Range"]) == (416, f"bytes */{len(VIDEO)}")


async def test_n10_a_range_of_other_bytes_answers_the_whole(device, operator: Operator, paired, clip: Path):
    content = await operator.upload(clip)
    path = f"/api/device/content/{content['id']}/download?uuid={device.uuid}"
    status, _, body = await device.call("GET", path, headers={"Range": "bytes=1000-", "If-Range": '"older"'})
    assert (status, body) == (200, VIDEO)


@pytest.mark.parametrize("header", ["", "bytes=-", "bytes=5-2", "bytes=0-1,5-6", "lines=1-2", "bytes=a-b"])
def test_a_range_that_makes_no_sense_means_the_whole(header: str):
    assert wanted_range(header, 100) is None


async def test_a_link_is_a_redirect_and_a_page_is_served_sandboxed(device, operator: Operator, paired, tmp_path: Path):
    link = await operator.link("https://www.youtube.com/watch?v=abc", "youtube", "Film")
    status, headers, _ = await device.call("GET", f"/api/device/content/{link['id']}/download?uuid={device.uuid}")
    assert (status, headers["Location"]) == (302, "https://www.youtube.com/watch?v=abc")
    (tmp_path / "menu.html").write_text("<!doctype html><title>Menu</title>")
    page = await operator.upload(tmp_path / "menu.html")
    assert (page["type"], page["source_url"]) == ("web", f"{device.url}/pages/{page['file_hash']}")
    status, headers, body = await device.call("GET", f"/pages/{page['file_hash']}")
    assert (status, headers["Content-Type"], body) == (200, "text/html", b"<!doctype html><title>Menu</title>")
    assert headers["Content-Security-Policy"].startswith("sandbox allow-scripts;")


async def test_an_archive_of_a_page_and_a_drawing_are_downloaded_and_open_nowhere(
    device, operator: Operator, paired, tmp_path: Path
):
    with zipfile.ZipFile(tmp_path / "menu.zip", "w") as archive:
        archive.writestr("index.html", "<h1>Menu</h1>")
    (tmp_path / "sign.svg").write_text('<?xml version="1.0"?>\n<!-- a sign --><svg xmlns="http://www.w3.org/2000/svg"/>')
    packed = await operator.upload(tmp_path / "menu.zip", kind="web")
    drawn = await operator.upload(tmp_path / "sign.svg", kind="image")
    assert (packed["mime"], packed["source_url"], drawn["mime"]) == ("application/zip", None, "image/svg+xml")
    assert (await device.call("GET", f"/pages/{packed['file_hash']}"))[0] == 404
    for content, name in ((packed, "menu.zip"), (drawn, "sign.svg")):
        status, headers, body = await device.call("GET", f"/api/device/content/{content['id']}/download?uuid={device.uuid}")
        assert (status, body) == (200, (tmp_path / name).read_bytes())
        assert headers["Content-Security-Policy"] == "sandbox"
    await operator.playlist("Lobby", [packed["id"], drawn["id"]], is_default=True)
    answer = await device.playlist()
    first = answer["playlist"]["items"][0]
    assert (first["type"], first["mime"], first["source_url"]) == ("web", "application/zip", None)
    assert {row["content_id"] for row in answer["content_to_download"]} == {packed["id"], drawn["id"]}


async def test_a_device_cannot_fetch_what_is_not_its_tenants(device, stranger: Operator, paired, clip: Path):
    content = await stranger.upload(clip)
    status, _, _ = await device.call("GET", f"/api/device/content/{content['id']}/download?uuid={device.uuid}")
    assert status == 404


async def test_a_thumbnail_is_made_of_what_can_be_drawn(operator: Operator, tmp_path: Path, clip: Path, device):
    headers = {"Authorization": f"Bearer {operator.token}"}
    picture = await operator.upload(make_picture(tmp_path / "picture.png", (640, 360)))
    broken = await operator.upload(clip)
    status, _, body = await device.call("GET", picture["thumbnail_url"].removeprefix(device.url), headers=headers)
    assert (status, body[:3]) == (200, b"\xff\xd8\xff")
    status, _, _ = await device.call("GET", broken["thumbnail_url"].removeprefix(device.url), headers=headers)
    assert status == 404


# --- playlists and schedules -----------------------------------------------------------------------------------------------------


async def test_the_default_playlist_is_told_with_everything_a_device_needs(device, operator: Operator, paired, clip: Path):
    assert (await device.playlist())["playlist"] is None
    promo = await operator.upload(clip, "Promo")
    page = await operator.link("https://example.com/", name="Page", duration=20)
    items = [{"content_id": page["id"], "order": 2}, {"content_id": promo["id"], "order": 1, "duration": 8, "fit": "cover"}]
    playlist = await operator.playlist("Lobby", items, transition="fade", is_default=True)
    assert (playlist["items_count"], playlist["is_default"]) == (2, True)
    answer = await device.playlist()
    told = answer["playlist"]
    assert (told["id"], told["name"], told["transition"]) == (playlist["id"], "Lobby", "fade")
    first, second = told["items"]
    assert (first["content_id"], first["order"], first["duration"], first["fit"]) == (promo["id"], 1, 8, "cover")
    assert (first["file_hash"], first["file_size"]) == (promo["file_hash"], len(VIDEO))
    assert (second["type"], second["duration"], second["source_url"]) == ("web", 20, "https://example.com/")
    status, _, body = await device.call("GET", first["download_url"].removeprefix(device.url))
    assert (status, body) == (200, VIDEO)
    assert [row["id"] for row in answer["content_to_download"]] == [promo["id"]]
    assert (answer["content_to_delete"], answer["show_watermark"]) == ([], False)


async def test_what_no_playlist_holds_any_more_may_be_deleted(device, operator: Operator, paired, clip: Path):
    one, two = await operator.upload(clip, "One"), await operator.link("https://example.com/")
    playlist = await operator.playlist("Lobby", [one["id"], two["id"]], is_default=True)
    await device.playlist()
    await operator.update_playlist(playlist["id"], items=[two["id"]])
    assert (await device.playlist())["content_to_delete"] == [one["id"]]
    await operator.update_playlist(playlist["id"], items=[one["id"]])
    await operator.delete_content(two["id"])
    assert (await device.playlist())["content_to_delete"] == [two["id"]]


async def test_a_playlist_keeps_what_an_update_does_not_name(operator: Operator, clip: Path):
    content = await operator.upload(clip)
    playlist = await operator.playlist("Lobby", [content["id"]], transition={"type": "slide_left", "duration": 0.5})
    renamed = await operator.update_playlist(playlist["id"], name="Foyer")
    assert (renamed["name"], renamed["items_count"], renamed["transition"]) == ("Foyer", 1, {"type": "slide_left", "duration": 0.5})
    other = await operator.playlist("Other", is_default=True)
    await operator.update_playlist(playlist["id"], is_default=True)
    listed = {row["id"]: row["is_default"] for row in (await operator.request("GET", "/api/playlists"))["data"]}
    assert listed == {playlist["id"]: True, other["id"]: False}
    await operator.delete_playlist(other["id"])
    with pytest.raises(CallRefused, match="name"):
        await operator.playlist("")


async def test_a_layout_passes_through_with_its_items_completed(device, operator: Operator, paired, clip: Path):
    content = await operator.upload(clip, "Promo")
    region = {
        "id": "side",
        "x": 1280,
        "y": 0,
        "width": 640,
        "height": 1080,
        "z": 1,
        "fit": "cover",
        "items": [{"content_id": content["id"]}],
    }
    layout = {"width": 1920, "height": 1080, "background": "#102030", "regions": [region]}
    await operator.playlist("Zones", is_default=True, layout=layout)
    told = (await device.playlist())["playlist"]["layout"]
    assert (told["width"], told["height"], told["background"]) == (1920, 1080, "#102030")
    (side,) = told["regions"]
    assert {name: side[name] for name in region if name != "items"} == {name: region[name] for name in region if name != "items"}
    assert (side["items"][0]["name"], side["items"][0]["file_hash"]) == ("Promo", content["file_hash"])
    with pytest.raises(CallRefused, match=r"layout\.regions"):
        await operator.playlist("Bad", layout={"width": 10, "height": 10, "regions": [{"id": "a"}]})
    with pytest.raises(CallRefused, match="no content"):
        await operator.playlist("Bad", layout={**layout, "regions": [{**region, "items": [{"content_id": 999}]}]})


async def test_schedules_decide_by_target_time_and_priority(device, operator: Operator, paired):
    content = await operator.link("https://example.com/")
    default, all_day, special, group = [
        await operator.playlist(name, [content["id"]], is_default=name == "Default")
        for name in ("Default", "All day", "Special", "Group")
    ]
    on_air = [default["name"]]
    now = datetime.now(UTC)
    soon = {
        "start_time": (now - timedelta(minutes=5)).strftime("%H:%M"),
        "end_time": (now + timedelta(minutes=30)).strftime("%H:%M"),
    }
    await operator.schedule(special["id"], start_date="2099-01-01", priority=99)
    everywhere = await operator.schedule(all_day["id"], days_of_week=[0, 1, 2, 3, 4, 5, 6])
    on_air.append((await device.playlist())["playlist"]["name"])
    mine = await operator.schedule(special["id"], paired["id"], priority=10, **soon)
    answer = await device.playlist()
    on_air.append(answer["playlist"]["name"])
    assert answer["playlist"]["schedule_id"] == mine["id"]
    target = {"playlist_id": group["id"], "schedulable_type": "group", "schedulable_id": 2, "priority": 20}
    await operator.request("POST", "/api/schedules", target)
    on_air.append((await device.playlist())["playlist"]["name"])
    await operator.update_device(paired["id"], device_group_id=2, show_watermark=True)
    answer = await device.playlist()
    on_air.append(answer["playlist"]["name"])
    assert answer["show_watermark"] is True
    assert on_air == ["Default", "All day", "Special", "Special", "Group"]
    assert (await operator.update_schedule(everywhere["id"], priority=50))["days_of_week"] == [0, 1, 2, 3, 4, 5, 6]
    assert (await device.playlist())["playlist"]["name"] == "All day"
    await operator.delete_schedule(everywhere["id"])
    assert (await device.playlist())["playlist"]["name"] == "Group"


async def test_a_condition_asks_the_servers_facts(tmp_path: Path):
    facts = {"weather": 20.0}
    async with DemoServer(tmp_path / "server", facts=facts) as server, Operator(server.url) as operator:
        await operator.register("Ada", "ada@example.com", "correct horse", "Ada's")
        content = await operator.link("https://example.com/")
        ice = await operator.playlist("Ice cream", [content["id"]])
        await operator.schedule(ice["id"], conditions=[{"type": "weather", "operator": "gt", "value": "30", "unit": "celsius"}])
        uuid = {"uuid": "a-test-device"}
        code = (await operator.request("POST", "/api/device/register", uuid))["pairing_code"]
        await operator.pair(code)
        assert (await operator.request("GET", "/api/device/playlist?uuid=a-test-device"))["playlist"] is None
        facts["weather"] = 31.0
        assert (await operator.request("GET", "/api/device/playlist?uuid=a-test-device"))["playlist"]["name"] == "Ice cream"


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"days_of_week": [8]}, "days_of_week"),
        ({"start_time": "9 o'clock"}, "start_time"),
        ({"start_date": "tomorrow"}, "start_date"),
        ({"schedulable_type": "galaxy"}, "schedulable_type"),
        ({"schedulable_type": "group"}, "schedulable_id"),
        ({"schedulable_type": "device", "schedulable_id": 99}, "schedulable_id"),
        ({"schedulable_type": None}, "schedulable_type"),
        ({"playlist_id": None}, "playlist_id"),
        ({"playlist_id": 99}, "playlist_id"),
    ],
)
async def test_a_schedule_that_makes_no_sense_is_refused(operator: Operator, device, rule: dict[str, object], field: str):
    playlist = await operator.playlist("Lobby")
    body = {"playlist_id": playlist["id"], "schedulable_type": "all", **rule}
    headers = {"Authorization": f"Bearer {operator.token}"}
    status, _, answer = await device.call("POST", "/api/schedules", json=body, headers=headers)
    assert (status, list(answer["errors"])) == (422, [field])
