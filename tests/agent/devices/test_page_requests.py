"""What applets' pages ask for: their own files, and the box as far as their token goes. Each is answered, once."""

from __future__ import annotations

import hashlib
import logging
import os
import zlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from player.agent.control.access import Scope
from player.agent.devices.applet_storage import DOWNLOADS
from player.agent.devices.own_folder import MIB_AT_ONCE, MIB_EVERY_S, OwnFolder
from player.agent.devices.readings import WATCHDOG_MS
from player.core.applet_files import LARGEST_FILE, MOST_FILES
from player.core.applet_rights import RIGHTS
from player.core.content import Orientation
from player.core.ports.box import Interface
from player.core.settings import Asker
from tests.fakes.management import Managed, managed
from tests.fakes.pages import Page, kept, place


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Managed]:
    async with managed(tmp_path) as made:
        yield made


async def test_a_page_keeps_files_of_its_own_and_finds_them_under_its_own_address(box: Managed):
    page = Page(box)
    assert await page.ask("file_system.list_files", directoryPath=place("")) == []
    assert not await page.file("exists", "menu.json")
    assert await page.file("get_file", "menu.json") is None
    await page.file("write_file", "menu.json", contents="{}")
    await page.file("append_file", "menu.json", contents="é")
    assert await page.file("read_file", "menu.json") == "{}é"
    found = await page.file("get_file", "menu.json")
    assert (found["localUri"], found["sizeBytes"], found["mimeType"]) == ("/.signage-own/files/menu.json", 4, "application/json")
    assert await page.file("get_file_checksum", "menu.json", hashType="crc32") == f"{zlib.crc32('{}é'.encode()):08x}"
    md5 = hashlib.md5("{}é".encode(), usedforsecurity=False).hexdigest()
    assert await page.file("get_file_checksum", "menu.json", hashType="md5") == md5
    await page.ask("file_system.create_directory", directoryPath=place("a"))
    both = {"sourceFilePath": place("menu.json"), "destinationFilePath": place("a/b.json")}
    await page.ask("file_system.copy_file", **both)
    with pytest.raises(LookupError, match="overwrite"):
        await page.ask("file_system.copy_file", **both)
    await page.ask("file_system.move_file", **both, options={"overwrite": True})
    listed = await page.ask("file_system.list_files", directoryPath=place(""))
    assert [one["filePath"] for one in listed] == ["a"]
    assert await page.file("is_directory", "a")
    with pytest.raises(LookupError, match="not empty"):
        await page.file("delete_file", "a", recursive=False)
    await page.ask("file_system.copy_file", sourceFilePath=place("a"), destinationFilePath=place("c"))
    assert await page.file("read_file", "c/b.json") == "{}é"
    await page.file("delete_file", "a", recursive=True)
    (unit,) = await page.ask("file_system.list_storage_units")
    assert unit["capacity"] - unit["freeSpace"] == 4
    await page.ask("file_system.wipeout")
    assert not kept(box).exists()


async def test_no_file_is_another_applets_or_anybody_elses(box: Managed):
    await Page(box, "other").file("write_file", "secret", contents="1234")
    page = Page(box)
    assert not await page.file("exists", "secret")
    for path in ("../../x", "/etc/passwd", "a/../../../secret"):
        for what in ("exists", "read_file", "get_file", "delete_file"):
            with pytest.raises(LookupError):
                await page.file(what, path)
    with pytest.raises(LookupError, match="make it first"):
        await page.file("write_file", "no/folder", contents="")
    with pytest.raises(LookupError, match="into itself"):
        await page.ask("file_system.move_file", sourceFilePath=place("a"), destinationFilePath=place("a/b"))
    assert await Page(box, "other").file("read_file", "secret") == "1234"


async def test_a_file_is_downloaded_once_and_kept_for_when_there_is_no_network(box: Managed):
    page, url = Page(box), "http://a.example/film.mp4"
    with pytest.raises(LookupError, match="nothing is kept as films/1"):
        await page.ask("offline.cache.load_file", uid="films/1")
    box.elsewhere[url] = b"film"
    saved = await page.ask("offline.cache.save_file", uid="films/1", uri=url)
    box.elsewhere.clear()
    assert await page.ask("offline.cache.load_file", uid="films/1") == saved == {"filePath": "/.signage-own/cache/films/1"}
    assert (kept(box) / "cache/films%2F1").read_bytes() == b"film"
    assert await page.ask("offline.cache.list_files") == ["films/1"]
    md5 = await page.ask("offline.cache.get_checksum", uid="films/1", hashType="md5")
    assert await page.ask("offline.cache.validate_checksum", uid="films/1", hashType="md5", hash=md5.upper())
    await page.ask("offline.cache.delete_file", uid="films/1")
    assert await page.ask("offline.cache.list_files") == []
    with pytest.raises(LookupError, match="nobody is there"):
        await page.ask("offline.cache.save_file", uid="a", uri=url)
    with pytest.raises(LookupError, match="headers"):
        await page.ask("offline.cache.save_file", uid="a", uri=url, headers={"X-Key": "1"})
    box.elsewhere[url] = b"film"
    await page.file("download_file", "film.mp4", sourceUri=url)
    assert await page.file("read_file", "film.mp4") == "film"
    assert list((box.folder / "cache/applets/parts").iterdir()) == []


async def test_texts_are_kept_by_their_uid(box: Managed):
    page = Page(box)
    assert await page.ask("offline.cache.save_content", uid="..", content="a") == "a"
    assert await page.ask("offline.cache.load_content", uid="..") == "a"
    assert await page.ask("offline.cache.list_contents") == [".."]
    await page.ask("offline.cache.delete_content", uid="..")
    with pytest.raises(LookupError):
        await page.ask("offline.cache.load_content", uid="..")


async def test_an_applet_keeps_only_so_much(box: Managed):
    page, url = Page(box), "http://a.example/large"
    box.elsewhere[url] = bytes(LARGEST_FILE + 1)
    with pytest.raises(LookupError, match="32 MiB at most"):
        await page.file("download_file", "large", sourceUri=url)
    parts = box.folder / "cache/applets/parts"
    assert list(parts.iterdir()) == [], "what was fetched of it"
    (kept(box) / "files").mkdir(parents=True)
    for number in range(MOST_FILES):
        (kept(box) / "files" / str(number)).touch()
    for what, fields in (("write_file", {"contents": ""}), ("download_file", {"sourceUri": url})):
        with pytest.raises(LookupError, match="files and folders at most"):
            await page.file(what, "more", **fields)
    await page.file("write_file", "1", contents="it was there")
    with pytest.raises(LookupError, match="KiB at most"):
        await page.file("write_file", "1", contents="x" * 200_000)


def test_an_applet_writes_only_so_often(tmp_path: Path):
    now = [0.0]
    folder = OwnFolder(tmp_path, 0, lambda: now[0])
    for _ in range(MIB_AT_ONCE):
        folder.room_for(folder.cache_target("film"))
    with pytest.raises(ValueError, match="MiB at once"):
        folder.save_text("menu", "{}")
    now[0] = MIB_EVERY_S
    folder.save_text("menu", "{}")


async def test_what_was_on_its_way_when_the_agent_ended_is_gone_after_its_start(box: Managed):
    part = box.folder / "cache/applets/parts/half.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"half")
    box.close()
    await box.open()
    assert not part.exists()


def own(folder: Path, spare: int = 0) -> OwnFolder:
    return OwnFolder(folder, spare, lambda: 0.0)


def test_what_it_keeps_is_for_its_page_and_the_agent_alone_and_leaves_the_disk_its_room(tmp_path: Path):
    own(tmp_path).write(place("menu"), "{}")
    own(tmp_path).append(place("log"), "1")
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "files").iterdir()} == {0o640}
    with pytest.raises(ValueError, match="nearly full"):
        own(tmp_path, spare=2**60).write(place("more"), "{}")
    assert (own(tmp_path).room().size > 0, own(tmp_path, spare=2**60).room().size) == (True, 0)
    assert own(tmp_path).read(place("menu")) == "{}"


def test_a_folder_is_copied_as_far_as_there_is_room_for_it_and_never_replaced(tmp_path: Path):
    folder = own(tmp_path)
    folder.write(place("menu"), "{}")
    for name in ("a", "b"):
        folder.make(place(name))
        (tmp_path / "files" / name / "film").write_bytes(bytes(2 * 2**20))
    for source, target in (("a", "b"), ("a", "menu"), ("menu", "a")):
        for deed in (folder.copy, folder.move):
            with pytest.raises(ValueError, match="a folder is not replaced"):
                deed(place(source), place(target), {"overwrite": True})
    os.truncate(tmp_path / "files/b/film", LARGEST_FILE + 1)
    with pytest.raises(ValueError, match="32 MiB at most"):
        folder.copy(place("b"), place("c"), None)
    for _ in range(MIB_AT_ONCE - 2):
        folder.room_for(folder.cache_target("film"))
    with pytest.raises(ValueError, match="MiB at once"):
        folder.copy(place("a"), place("c"), None)
    assert not folder.exists(place("c"))


def test_a_file_has_another_name_until_one_of_them_is_written_anew(tmp_path: Path):
    folder = own(tmp_path)
    folder.write(place("menu"), "{}")
    folder.link(place("menu"), place("again"))
    folder.append(place("again"), "1")
    assert folder.read(place("menu")) == "{}1"
    assert folder.units()[0]["capacity"] - folder.units()[0]["freeSpace"] == 6, "each counts"
    folder.move(place("menu"), place("again"), {"overwrite": True})
    assert [one["filePath"] for one in folder.listed(place(""))] == ["again"]
    folder.link(place("again"), place("menu"))
    folder.write(place("menu"), "2")
    assert folder.read(place("again")) == "{}1"
    folder.make(place("a"))
    for source, target, reason in (("a", "b", "not linked"), ("none", "b", "no such file"), ("menu", "again", "overwrite")):
        with pytest.raises(ValueError, match=reason):
            folder.link(place(source), place(target))


async def test_what_an_applet_kept_goes_with_it(box: Managed):
    _, _, headers = await box.ask("POST", "/v1/applet", {"name": "Menu"})
    uid = headers["Link"].strip("<>").rpartition("/")[2]
    await Page(box, uid).file("write_file", "a", contents="1")
    await box.management.applets.tell()
    assert (kept(box, uid) / "files/a").exists()
    await box.ask("DELETE", f"/v1/applet/{uid}")
    assert not kept(box, uid).exists()


async def test_every_message_that_may_be_asked_is_done_by_somebody(box: Managed):
    for what in RIGHTS:
        assert "does not answer" not in await Page(box).refusal(what), what
    assert set(DOWNLOADS) <= set(RIGHTS)


async def test_a_setting_is_changed_as_through_every_other_door_and_read_back(box: Managed):
    page = Page(box)
    await page.ask("management.set_volume", volume=40)
    assert await page.ask("management.get_volume") == 40
    assert box.audio.level == 40
    (action,) = (await box.ask("GET", "/v1/device/{device}/volume"))[1]
    assert (action["volume"], action["confirmed"]) == (40, True)
    await page.ask("management.power_off_display")
    assert await page.ask("management.get_is_display_power_on") is False
    await page.ask("management.resize_screen", orientation="PORTRAIT", resolution="FULL_HD", baseUrl="", currentVersion="")
    assert await page.ask("management.get_screen_orientation") == {"screenOrientation": Orientation.PORTRAIT.upper()}
    points = {"brightness1": 80, "timeFrom1": "08:00:00", "brightness2": 20, "timeFrom2": "20:00:00"}
    await page.ask("management.set_screen_brightness", **points)
    assert await page.ask("management.get_screen_brightness") == points
    await page.ask("management.set_ntp_time_with_timezone", ntpServer="time.example", timezone="Europe/Rome")
    assert box.settings.wanted("time_zone") == "Europe/Rome"
    assert (await page.ask("management.get_current_time_with_timezone"))["ntpServer"] == "time.example"


async def test_timers_and_planned_restarts_are_in_the_librarys_words(box: Managed):
    page = Page(box)
    timer = {"timeOn": "08:00:00", "timeOff": "20:00:00", "weekdays": ["mon", "sun"]}
    await page.ask("management.set_timer", timerType="TIMER_1", volume=30, **timer)
    await page.ask("management.set_proprietary_timer", timerType="TIMER_2", keepAppletRunning=False, **timer)
    assert await page.ask("management.get_timers") == [{"type": "TIMER_1", "volume": 30, **timer}]
    await page.ask("management.delete_proprietary_timer", timerType="TIMER_2")
    assert await page.ask("management.get_proprietary_timers") == []
    for day in (0, 6):
        await page.ask("management.set_scheduled_reboot", rule={"weekdays": [day], "time": "03:00:00"})
    first, second = await page.ask("management.get_scheduled_reboots")
    assert (first["rule"], second["rule"]["weekdays"]) == ({"weekdays": [0], "time": "03:00:00"}, [6])
    await page.ask("management.remove_scheduled_reboot", id=first["id"])
    assert await page.ask("management.get_scheduled_reboots") == [second]
    await page.ask("management.clear_scheduled_reboots")
    assert await page.ask("management.get_scheduled_reboots") == []


async def test_what_the_box_is_and_how_it_stands(box: Managed):
    page = Page(box, scope=Scope.READ)
    assert await page.ask("management.get_current_temperature") == box.sensors.temperature_c()
    memory = await page.ask("management.get_memory_usage")
    assert memory["total"] == memory["used"] + memory["free"]
    (eth,) = await page.ask("management.get_network_interfaces")
    network = await page.ask("management.get_network_info")
    assert (network["activeInterface"], network["localAddress"], network["ethernetMacAddress"]) == (
        "ethernet", eth["localAddress"], eth["macAddress"],
    )  # fmt: skip
    assert (await page.ask("management.get_os_info"))["version"] == box.sensors.os_version()


async def test_what_it_learns_of_processor_memory_and_network_is_in_the_librarys_words(box: Managed):
    page = Page(box, scope=Scope.READ)
    box.sensors.values = {"cpu_percent": 12.54}
    assert await page.ask("management.get_cpu_usage") == 12.5
    mib = 1024 * 1024
    assert await page.ask("management.get_memory_usage") == {"total": 1849 * mib, "used": 512 * mib, "free": 1337 * mib}
    wired = {"localAddress": "192.168.1.100", "netmask": "255.255.255.0", "gateway": "192.168.1.1", "dns": ["192.168.1.1"]}
    assert await page.ask("management.get_network_interfaces") == [
        {"type": "ethernet", "name": "eth0", "macAddress": "dc:a6:32:01:02:03", "disabled": False, **wired}
    ]
    assert await page.ask("management.get_network_info") == {
        "ethernetMacAddress": "dc:a6:32:01:02:03", "wifiMacAddress": "", "activeInterface": "ethernet", "interfaceName": "eth0",
        **wired,
    }  # fmt: skip
    radio = Interface("wlan0", "wifi", "02:00:00:00:00:01", False, ("fe80::1/64",), None)
    box.sensors.values = {"interfaces": (radio,)}
    (found,) = await page.ask("management.get_network_interfaces")
    assert found == {"type": "wifi", "name": "wlan0", "macAddress": radio.mac, "disabled": True, "dns": ["192.168.1.1"]}
    assert await page.ask("management.get_network_info") == {
        "ethernetMacAddress": "", "wifiMacAddress": radio.mac, "localAddress": "", "activeInterface": "ethernet",
    }  # fmt: skip
    cable = Interface("eth1", "ethernet", "02:00:00:00:00:02", True, ("10.0.0.2/8",), "10.0.0.1")
    box.sensors.values = {"interfaces": (replace(radio, connected=True, addresses=("10.1.0.2/30",)), cable)}
    network = await page.ask("management.get_network_info")
    assert (network["interfaceName"], network["netmask"]) == ("eth1", "255.0.0.0"), "by which the default route leads"
    box.sensors.values = {"interfaces": (cable, radio), "temperature_c": None}
    with pytest.raises(LookupError, match="does not measure it"):
        await page.ask("management.get_current_temperature")


async def test_it_is_told_where_the_box_stands_and_what_it_is_called(box: Managed):
    page = Page(box, scope=0)
    assert (await page.ask("device_info.get_location"), await page.ask("device_info.get_organization_tags")) == (None, [])
    given = {"name": "Lobby", "organizationUid": "x", "address": "A Street 1", "customId": "7", "description": ""}
    for path, body, own in (("location", given, "location"), ("organization-tag", {"name": "wall", "organizationUid": "x"}, "")):
        _, _, headers = await box.ask("POST", f"/v1/{path}", body)
        uid = headers["Location"].rpartition("/")[2]
        assert (await box.ask("PUT", f"/v1/device/{{device}}/{own or path}/{uid}", {}))[0] == 200
    await box.ask("POST", "/v1/organization-tag", {"name": "another's", "organizationUid": "x"})
    assert await page.ask("device_info.get_location") == {"name": "Lobby", "customId": "7"}
    assert await page.ask("device_info.get_organization_tags") == [{"name": "wall"}]


async def test_recovery_is_as_the_api_has_it(box: Managed):
    page = Page(box)
    assert await page.ask("management.get_auto_recovery") == {"enabled": True, "healthcheckIntervalMs": WATCHDOG_MS}
    assert await page.ask("management.get_peer_recovery") == {"enabled": False}
    await page.ask("management.set_auto_recovery", enabled=True, healthcheckIntervalMs=60_000)
    await page.ask("management.set_peer_recovery", enabled=False)
    for what, fields, reason in (
        ("set_auto_recovery", {"enabled": False}, "watches this player always"),
        ("set_auto_recovery", {"enabled": True}, "missing"),
        ("set_peer_recovery", {"enabled": True, "urlLauncherAddress": "http://a.example"}, "Tizen"),
    ):  # fmt: skip
        with pytest.raises(LookupError, match=reason):
            await page.ask(f"management.{what}", **fields)


async def test_the_way_out_is_told(box: Managed):
    assert await Page(box).ask("management.proxy_is_enabled") is False
    with pytest.raises(LookupError, match="no proxy is set up"):
        await Page(box).ask("management.proxy_get_connected_to")


async def test_the_way_out_by_a_proxy_is_told(tmp_path: Path):
    async with managed(tmp_path, proxy="http://proxy.example:3128") as box:
        assert await Page(box).ask("management.proxy_is_enabled") is True
        assert await Page(box).ask("management.proxy_get_connected_to") == "http://proxy.example:3128"


async def test_what_nobody_has_set_and_no_device_says_is_no_answer(box: Managed):
    page = Page(box)
    box.panel.broken = True
    with pytest.raises(LookupError, match="nobody has set it"):
        await page.ask("management.get_screen_brightness")
    box.panel.broken = False
    await box.settings.ask("brightness", 70, by=Asker.BOX, who="the page")
    assert await page.ask("management.get_screen_brightness") == {
        "brightness1": 70, "timeFrom1": "00:00:00", "brightness2": 70, "timeFrom2": "12:00:00",
    }  # fmt: skip


async def test_the_clock_is_set_by_an_instant_or_by_a_zones_wall_clock(box: Managed):
    page = Page(box)
    wall = {"year": 2026, "month": 3, "day": 25, "hour": 14, "minute": 30, "second": 5}
    await page.ask("management.set_current_time_with_timezone", currentDate=wall, timezone="Europe/London")
    assert box.host.calls == ["time zone Europe/London", "clock 2026-03-25 14:30:05"]
    box.host.calls.clear()
    await page.ask("management.set_current_time_with_timezone", currentDate="2026-03-25T20:00:00.000Z", timezone="Europe/Rome")
    assert box.host.calls == ["time zone Europe/Rome", "clock 2026-03-25 20:00:00"]
    now = await page.ask("management.get_current_time_with_timezone")
    assert now["currentDate"] == round(box.clock.now().timestamp() * 1000)
    box.host.calls.clear()
    await page.ask("management.set_ntp_time_with_timezone", ntpServer="time.example", timezone="Europe/Rome")
    assert box.host.calls == ["time zone Europe/Rome", "time server time.example"], "the clock is as it is"


async def test_debugging_the_screen_and_the_player_are_switched_by_a_page(box: Managed):
    page = Page(box)
    before = logging.getLogger().level
    for enabled in (True, False):
        await page.ask("management.set_debug", enabled=enabled)
        assert await page.ask("management.is_enabled") is enabled
        assert (logging.getLogger().level == logging.DEBUG) is enabled
    assert logging.getLogger().level == before
    for what, power in (("power_off_display", False), ("power_on_display", True)):
        await page.ask(f"management.{what}")
        assert (box.panel.power, await page.ask("management.get_is_display_power_on")) == (power, power)
    await page.ask("management.restart_app")
    assert box.commands == ["restart_app"]
    (action,) = [one for one in box.management.log.all() if one.asked.get("powerType") == "APP_RESTART"]
    assert action.by == "the applet menu"


async def test_a_restart_of_the_player_that_is_planned_is_no_restart_of_the_box(box: Managed):
    page = Page(box)
    plan = {"powerAction": "APP_RESTART", "weekdays": ["MONDAY"], "time": "01:00:00"}
    await box.ask("POST", "/v1/device/{device}/scheduled-power-action", plan)
    await page.ask("management.set_scheduled_reboot", rule={"weekdays": [1, 5], "time": "03:00:00"})
    ((found),) = await page.ask("management.get_scheduled_reboots")
    assert found["rule"] == {"weekdays": [1, 5], "time": "03:00:00"}
    with pytest.raises(LookupError, match="names its days"):
        await page.ask("management.set_scheduled_reboot", rule={"weekdays": [], "time": "03:00:00"})
    await page.ask("management.clear_scheduled_reboots")
    assert [one.action for one in box.schedule.current.planned] == ["restart_app"]


async def test_what_a_page_asks_for_in_vain_is_answered_with_the_reason(box: Managed):
    page = Page(box)
    with pytest.raises(LookupError, match=r"^this player does not answer made_up"):
        await page.ask("management.made_up")
    with pytest.raises(LookupError, match=r"^this player does not answer offline\.cache\.made_up"):
        await page.ask("offline.cache.made_up")
    box.host.broken = True
    with pytest.raises(LookupError):
        await page.ask("management.set_ntp_time_with_timezone", ntpServer="time.example", timezone="Europe/Rome")


async def test_a_page_may_lock_and_never_unlock(box: Managed):
    page = Page(box, scope=Scope.ADMIN)
    await page.ask("management.set_remote_control_enabled", enabled=False)
    assert await page.ask("management.get_is_remote_control_enabled") is False
    with pytest.raises(LookupError, match="PIN"):
        await page.ask("management.set_remote_control_enabled", enabled=True)
    assert box.settings.wanted("locked") is True


async def test_the_right_counts_here_too_and_bad_values_change_nothing(box: Managed):
    with pytest.raises(LookupError, match="does not allow"):
        await Page(box, scope=Scope.READ).ask("management.set_volume", volume=40)
    for what, fields in (
        ("set_volume", {"volume": 101}), ("set_volume", {}), ("set_timer", {"timerType": "TIMER_9"}),
        ("set_current_time_with_timezone", {"currentDate": {"year": "soon"}, "timezone": "Europe/Rome"}),
        ("set_scheduled_reboot", {"rule": 7}), ("resize_screen", {"orientation": "SIDEWAYS"}),
    ):  # fmt: skip
        with pytest.raises(LookupError):
            await Page(box).ask(f"management.{what}", **fields)
    assert box.settings.wanted("volume") is None


async def test_a_policy_outranks_a_page(box: Managed):
    _, _, headers = await box.ask("POST", "/v1/policy", {"name": "Quiet", "organizationUid": "x"})
    uid = headers["Location"].rpartition("/")[2]
    await box.ask("PUT", f"/v1/policy/{uid}", {"items": [{"type": "VOLUME", "value": {"volume": 10}}]})
    await box.ask("POST", "/v1/device/{device}/policy", {"uid": uid, "priority": 1})
    with pytest.raises(LookupError, match="Quiet"):
        await Page(box).ask("management.set_volume", volume=90)


async def test_a_page_has_the_box_started_again_by_the_ledger(box: Managed):
    await Page(box).ask("management.reboot_system")
    assert box.commands == ["reboot"]
