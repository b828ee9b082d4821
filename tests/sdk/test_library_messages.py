"""Every message of the public applet library has an answer: it is done, or it is refused at once with a reason of its own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from player.core.applet_host import SETTLED_S, AppletFacts, AppletHost, PageDeed, Post, plays_of_pages
from player.core.applet_rights import CONTROL, RIGHTS

BUNDLE = Path(__file__).parent / "node_modules/@signageos/front-applet/dist/bundle.js"
# As it sends them, without "hug.": by area, and what belongs to none.
AREAS = {
    "": "restore applet_refresh",
    "command": "dispatch",
    "video": "prepare play stop pause resume",
    "stream": "prepare play stop pause resume get_tracks select_track reset_track",
    "display": "supports",
    "osd": "show_osd",
    "monitors": "get_list",
    "timing.triggers": "pause resume",
    "browser": "open close open_link",
    "debug": "is_remote_enabled",
    "touch": "event",
    "device_info": "get_device_name get_location get_organization_tags",
    "sync": "connect close init leave_group wait cancel_wait request_set_value is_master",
    "hardware": "serial_port.open serial_port.write serial_port.close led.set_color"
    " barcode_scanner.get_version barcode_scanner.start barcode_scanner.stop",
    "native_commands.mdc": "send_one send_one_raw",
    "file_system": "list_storage_units list_files exists get_file write_file append_file read_file copy_file move_file delete_file"
    " download_file extract_file create_archive_file get_file_checksum create_directory is_directory link wipeout",
    "offline.cache": "list_files load_file save_file delete_file list_contents load_content save_content delete_content"
    " validate_checksum get_checksum decompress_file",
    "management": "supports get_model get_serial_number get_battery_status get_current_temperature get_brand reset_settings"
    " factory_reset get_extendedmanagement_url set_extendedmanagement_url set_hardware_acceleration"
    " is_hardware_acceleration_enabled"
    " get_application_type get_application_version app_upgrade get_volume set_volume get_auto_recovery set_auto_recovery"
    " is_enabled set_debug firmware_upgrade get_firmware_version get_firmware_type get_network_info get_network_interfaces"
    " set_network_manual set_network_manual_v2 set_network_dhcp set_network_dhcp_v2 disable_network_interface get_os_info"
    " get_cpu_usage get_memory_usage install_package stop_package get_peer_recovery set_peer_recovery reboot_system restart_app"
    " get_timers set_timer get_proprietary_timers set_proprietary_timer delete_proprietary_timer clear_scheduled_reboots"
    " get_scheduled_reboots remove_scheduled_reboot set_scheduled_reboot proxy_is_enabled proxy_set_manual proxy_disable"
    " proxy_get_connected_to get_is_remote_control_enabled set_remote_control_enabled resize_screen get_screen_orientation"
    " set_screen_brightness get_screen_brightness upload_screenshot power_on_display power_off_display get_is_display_power_on"
    " get_pin_code set_pin_code get_current_time_with_timezone set_current_time_with_timezone set_ntp_time_with_timezone",
    "management.wifi": "is_enabled enable is_ap_enabled enable_ap disable get_connected_to connect disconnect get_country"
    " set_country scan",
}
MESSAGES = [f"{area}.{name}".lstrip(".") for area, names in AREAS.items() for name in names.split()]
# What the library hears, or says without waiting for an answer.
NO_QUESTIONS = {
    "invocation.success", "invocation.error", "config.update", "auth_hash.update", "front_display_version.update", "api_js_uri",
    "applet_version.update", "assets.load_js", "ping", "ended", "error", "connected", "disconnected", "tracks_changed", "data",
    "dispatch_to_applet", "serial_port.data", "propagate", "keyup", "configure", "storage_units_changed", "event_", "update",
    "change",
}  # fmt: skip
FIELDS: dict[str, Any] = {
    "command": {"type": "go"}, "uri": "https://a.example/v.mp4", "x": 0, "y": 0, "width": 64, "height": 36, "capability": "VIDEO",
}  # fmt: skip


def test_the_list_is_whole():
    found = {*re.findall(r'this\.getMessage\(\s*"([a-z0-9_.]+)"', BUNDLE.read_text(encoding="utf-8"))}
    assert len(found) > 100
    assert {name for name in found - NO_QUESTIONS if not any(one.endswith(f".{name}") or one == name for one in MESSAGES)} == set()
    assert {*RIGHTS} <= {*MESSAGES}, "nothing is answered that nobody asks"


@pytest.mark.parametrize("what", MESSAGES)
def test_it_is_answered_once(what: str):
    host = AppletHost(AppletFacts({}, "", "1.0.0", "8.2.4", CONTROL), plays_of_pages())
    host.begun(0.0)
    effects = host.heard({"type": f"hug.{what}", "invocationUid": "u1", **FIELDS}, SETTLED_S)
    answers = [effect.message for effect in effects if isinstance(effect, Post) and effect.message.get("invocationUid") == "u1"]
    deeds = [effect for effect in effects if isinstance(effect, PageDeed)]
    assert len(answers) + len(deeds) == 1
    error = answers[0].get("error") if answers else None
    if error:
        assert error["code"] == "NOT_SUPPORTED"
        assert "does not answer" not in error["message"]
