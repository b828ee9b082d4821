"""What an applet's page may ask for beyond its own window: each message by name, who may, and what it is answered with (pure).

What is not in the table is refused with a reason that is true of this player. A change of the box is what the token that put the
applet on might ask for over the management API; nothing gives a page more, and opening the lock, the PIN, updates and the network
are out of its reach whatever the token. Sources: the public documents of `@signageos/front-applet` 8.2.4, and its messages as it
sends them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

WHOLE = "*"
NOBODY, READ, CONTROL = 0, 1, 2  # as `agent.control.access.Scope`; what needs nobody's right is the page's own


class Use(StrEnum):
    """What a message takes of a page's allowances: `WRITE` is a change of its files, `CHANGE` one of the box, `END` a restart."""

    LOOK = "look"
    WRITE = "write"
    CHANGE = "change"
    END = "end"


@dataclass(frozen=True, slots=True)
class Right:
    """`answer`: what the result is called in the answer, "" for none, `WHOLE` where it is the answer; `scope`: of the token."""

    answer: str = ""
    scope: int = NOBODY
    use: Use = Use.LOOK


def _of(area: str, scope: int, use: Use, answers: Mapping[str, str]) -> dict[str, Right]:
    return {f"{area}.{name}": Right(answer, scope, use) for name, answer in answers.items()}


def _silent(names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), "")


RIGHTS: Mapping[str, Right] = {
    **_of("file_system", NOBODY, Use.LOOK, {
        "list_storage_units": "storageUnits", "list_files": "files", "exists": "exists", "get_file": "file",
        "read_file": "contents", "get_file_checksum": "checksum", "is_directory": "isDirectory",
    }),
    **_of("file_system", NOBODY, Use.WRITE, _silent(
        "write_file append_file copy_file move_file delete_file download_file create_directory wipeout link extract_file"
        " create_archive_file"
    )),
    **_of("offline.cache", NOBODY, Use.LOOK, {
        "list_files": "fileUids", "load_file": "loadedFile", "list_contents": "contentUids", "load_content": "loadedContent",
        "get_checksum": "checksum", "validate_checksum": "validatedChecksum",
    }),
    **_of("offline.cache", NOBODY, Use.WRITE, {
        "save_file": "savedFile", "delete_file": "", "save_content": "savedContent", "delete_content": "", "decompress_file": "",
    }),
    **_of("device_info", NOBODY, Use.LOOK, {"get_location": "location", "get_organization_tags": "tags"}),
    **_of("management", READ, Use.LOOK, {
        "get_volume": "volume", "get_screen_brightness": "screenBrightness", "get_screen_orientation": "screenOrientation",
        "get_is_display_power_on": "isDisplayPowerOn", "get_current_temperature": "currentTemperature", "get_os_info": "osInfo",
        "get_cpu_usage": "cpuUsage", "get_memory_usage": "memoryUsage", "get_network_interfaces": "interfaces",
        "get_network_info": "networkInfo", "get_current_time_with_timezone": "currentTimeWithTimezone",
        "get_is_remote_control_enabled": "isRemoteControlEnabled", "is_enabled": "isEnabled", "get_timers": "timers",
        "get_proprietary_timers": "timers", "get_scheduled_reboots": "actions", "get_auto_recovery": WHOLE,
        "get_peer_recovery": WHOLE, "proxy_is_enabled": "isEnabled", "proxy_get_connected_to": "connectedTo",
    }),
    **_of("management", CONTROL, Use.CHANGE, _silent(
        "set_volume set_screen_brightness resize_screen power_on_display power_off_display set_current_time_with_timezone"
        " set_ntp_time_with_timezone set_remote_control_enabled set_debug set_timer set_proprietary_timer delete_proprietary_timer"
        " set_scheduled_reboot remove_scheduled_reboot clear_scheduled_reboots set_auto_recovery set_peer_recovery"
    )),
    **_of("management", CONTROL, Use.END, _silent("reboot_system restart_app")),
}  # fmt: skip

_NO_NETWORK = "the network is set up on the box itself, and never by a page"
_NO_PIN = "the PIN is the installer's, and no page is told it or sets it"
_NO_OTHER = "where another management of this box is, is set over this one, and not by pages"
_NO_INSTALLING = "what is installed comes from signed bundles and over the management API, and never from a page"
# By the beginning of a message's name.
_REASONS: Mapping[str, str] = {
    "stream.": "streams are played by the server's programme here, and not by applets",
    "browser.": "this player opens no second browser; a page can hold a frame instead",
    "osd.": "this player has no menu on the screen",
    "monitors.": "no applet is told here which panel it is on",
    "timing.": "when a turn ends is said by its timing, and not held up by its page",
    "sync.": "applets on several screens are not kept together here",
    "hardware.": "this player has no driver for such hardware",
    "native_commands.": "this player passes no maker's commands on to a panel",
    "management.wifi.": _NO_NETWORK,
    "management.set_network_": _NO_NETWORK,
    "management.disable_network_interface": _NO_NETWORK,
    "management.proxy_": _NO_NETWORK,
    "management.get_pin_code": _NO_PIN,
    "management.set_pin_code": _NO_PIN,
    "management.app_upgrade": _NO_INSTALLING,
    "management.firmware_upgrade": _NO_INSTALLING,
    "management.install_package": _NO_INSTALLING,
    "management.stop_package": _NO_INSTALLING,
    "management.get_firmware_type": "the firmware of this box has no type of its own",
    "management.get_battery_status": "this player knows of no battery",
    "management.upload_screenshot": "screenshots are taken over the management API, and sent to nobody else",
    "management.reset_settings": "nothing here returns a box to how it left its maker",
    "management.factory_reset": "nothing here returns a box to how it left its maker",
    "management.get_extendedmanagement_url": _NO_OTHER,
    "management.set_extendedmanagement_url": _NO_OTHER,
    "management.set_hardware_acceleration": "how videos are decoded is in the configuration (stage.hwdec)",
    "management.is_hardware_acceleration_enabled": "how videos are decoded is in the configuration (stage.hwdec)",
}

# What `display.supports` and `management.supports` answer yes to: the messages that have to be answered for it, and the right.
_CAPABILITIES: Mapping[str, str] = {
    "APP_RESTART": "restart_app", "GET_BRIGHTNESS": "get_screen_brightness", "GET_TIMEZONE": "get_current_time_with_timezone",
    "GET_VOLUME": "get_volume", "NETWORK_INFO": "get_network_info", "NTP_TIME": "set_ntp_time_with_timezone",
    "ORIENTATION_LANDSCAPE": "resize_screen", "ORIENTATION_LANDSCAPE_FLIPPED": "resize_screen",
    "ORIENTATION_PORTRAIT": "resize_screen", "ORIENTATION_PORTRAIT_FLIPPED": "resize_screen",
    "SCHEDULE_POWER_ACTION": "set_scheduled_reboot", "SCREEN_RESIZE": "resize_screen", "SET_BRIGHTNESS": "set_screen_brightness",
    "SET_DEBUG": "set_debug", "SET_TIME": "set_current_time_with_timezone", "SET_TIMEZONE": "set_current_time_with_timezone",
    "SET_VOLUME": "set_volume", "SYSTEM_CPU": "get_cpu_usage", "SYSTEM_MEMORY": "get_memory_usage",
    "SYSTEM_REBOOT": "reboot_system", "TEMPERATURE": "get_current_temperature", "TIMERS_NATIVE": "set_timer",
    "TIMERS_PROPRIETARY": "set_proprietary_timer",
}  # fmt: skip
_ALWAYS = frozenset({
    "VIDEO", "FILE_SYSTEM_INTERNAL_STORAGE", "FILE_SYSTEM_FILE_CHECKSUM", "FILE_SYSTEM_CREATE_ARCHIVE", "FILE_SYSTEM_LINK",
})  # fmt: skip
_WITH_READ = frozenset({"MODEL", "SERIAL_NUMBER"})
# What telemetry says of this player: what pages may have without a right, and with the highest.
FRONT_CAPABILITIES = sorted(_ALWAYS)
MANAGEMENT_CAPABILITIES = sorted((*_CAPABILITIES, *_WITH_READ))


def supports(capability: object, scope: int) -> bool:
    """Whether a page of that right may have what the library calls so."""
    if not isinstance(capability, str):
        return False
    if capability in _ALWAYS:
        return True
    if capability in _WITH_READ:
        return scope >= READ
    message = _CAPABILITIES.get(capability)
    return message is not None and scope >= RIGHTS[f"management.{message}"].scope


def why_not(what: str) -> str:
    """Why a message (without its "hug.") is not answered here."""
    start = next((start for start in _REASONS if what.startswith(start)), "")
    return f"{_REASONS[start]} ({what[:100]})" if start else f"this player does not answer {what[:100]}"
