"""The units as files: what they may do is measured by systemd itself, and the three do not hang on each other."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from player.cli.trial import Releases
from player.device.root import SOCKET
from player.launch.restarts import PATIENCE
from player.stage.web import landing

FOLDER = Path(__file__).parents[1] / "systemd"
UNITS = ("compositor", "stage", "agent")
PROGRAM = "/opt/signage-player/venv/bin/signage-player"


def settings(name: str) -> list[tuple[str, str]]:
    lines = (FOLDER / (name if "." in name else f"signage-{name}.service")).read_text().splitlines()
    return [(key, value) for key, _, value in (line.partition("=") for line in lines) if value or key.endswith("Capabilities")]


def values(name: str, key: str) -> list[str]:
    return [value for found, value in settings(name) if found == key]


@pytest.mark.parametrize(
    ("name", "limit"),
    [("agent", 15), ("stage", 13), ("browser@", 18), ("compositor", 10), ("console", 11), ("root@", 30), ("trial", 25)],
)
def test_a_unit_is_no_more_exposed_than_it_has_to_be(name: str, limit: int) -> None:
    """`limit` is the exposure of `systemd-analyze security` times ten: a unit that opens up has to be argued for here."""
    command = ["systemd-analyze", "security", "--offline=yes", f"--threshold={limit}", "--no-pager"]
    done = subprocess.run(
        [*command, str(FOLDER / f"signage-{name}.service")], check=False, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stdout.splitlines()[-1]


def complaints(folder: Path, change: tuple[str, str] = ("", "")) -> list[str]:
    """Of each unit that is installed; its programs are not there."""
    for path in (*FOLDER.glob("*.service"), *FOLDER.glob("*.socket")):
        text = re.sub(r"(?<==)(/opt/signage-player|/usr/local/bin)/\S+", "/usr/bin/true", path.read_text())
        (folder / path.name).write_text(text.replace(*change))
    units = [str(path) for path in sorted(folder.iterdir())]
    command = ["systemd-analyze", "verify", "--man=no", *units]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    return [line for line in done.stderr.splitlines() if "signage-" in line]


def test_systemd_understands_every_line_of_the_units(tmp_path: Path) -> None:
    assert complaints(tmp_path) == []
    walled = {str(tmp_path / path.name) for path in FOLDER.glob("*.service") if "\nProtectHome=" in path.read_text()}
    found = complaints(tmp_path, ("ProtectHome=", "ProtectHouse="))
    assert {line.partition(":")[0] for line in found} == walled > {str(tmp_path / f"signage-{name}.service") for name in UNITS}


@pytest.mark.parametrize("name", UNITS)
def test_no_unit_takes_another_down(name: str) -> None:
    binding = {"Requires", "Requisite", "BindsTo", "PartOf", "Upholds", "Conflicts", "PropagatesStopTo", "JoinsNamespaceOf"}
    found = [(key, value) for key, value in settings(name) if key in binding]
    assert found == ([("Upholds", "signage-browser.socket")] if name == "stage" else [])


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_is_started_again_for_ever_and_without_a_network(name: str) -> None:
    assert values(name, "Restart") == ["always"]
    assert values(name, "StartLimitIntervalSec") == ["0"]
    assert not [value for key, value in settings(name) if "network-online" in value]


@pytest.mark.parametrize("name", UNITS)
def test_p4_a_unit_keeps_the_count_of_its_early_ends_between_two_starts(name: str) -> None:
    told = dict(value.split("=", 1) for value in values(name, "Environment") if value.startswith("SIGNAGE__"))
    folder = Path(told[PATIENCE[name].folder])
    kept = folder.name in values(name, "RuntimeDirectory") and values(name, "RuntimeDirectoryPreserve") == ["restart"]
    assert kept or f"d {folder} " in (FOLDER / "tmpfiles.conf").read_text()


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_runs_the_installed_package_as_a_user_without_capabilities(name: str) -> None:
    assert values(name, "ExecStart") == [f"{PROGRAM} {name} --config /etc/signage-player/config.toml"]
    assert values(name, "User") == ["signage" if name == "agent" else "signage-stage"]
    assert "CapabilityBoundingSet=" in (FOLDER / f"signage-{name}.service").read_text().splitlines()


def test_an_update_on_trial_is_judged_by_the_version_before_and_at_no_other_time() -> None:
    before = Releases(Path("/opt/signage-player")).kept
    assert values("trial", "ConditionPathExists") == [str(before)]
    assert values("trial", "ExecStart") == [f"{before}/bin/python -P -B -m player.cli.trial"]
    assert values("trial", "ExecStopPost") == ["/opt/signage-player/put-back /opt/signage-player/venv"]
    assert "R! /var/tmp/signage-update-*" in (FOLDER / "tmpfiles.conf").read_text().splitlines()


def test_roots_helper_can_be_asked_by_the_agent_alone_and_is_one_process_a_question() -> None:
    socket = dict(settings("signage-root.socket"))
    assert (socket["SocketUser"], socket["SocketGroup"], socket["SocketMode"]) == ("signage", "signage", "0600")
    assert (socket["Accept"], socket["ListenStream"]) == ("yes", str(SOCKET))
    assert (values("root@", "ExecStart"), values("root@", "StandardInput")) == (
        ["/opt/signage-player/venv/bin/python -I -B -m player.device.root_verbs"], ["socket"],
    )  # fmt: skip


def test_roots_helper_writes_where_its_verbs_write_and_has_one_right() -> None:
    assert values("root@", "CapabilityBoundingSet") == ["CAP_NET_ADMIN"]
    assert (values("root@", "ProtectSystem"), values("root@", "ReadWritePaths")) == (["strict"], ["/etc/systemd /etc/udev"])
    assert not [value for key, value in settings("root@") if key == "User"]
    assert values("root@", "InaccessiblePaths") == [
        "-/var/lib/signage-player -/var/cache/signage-player -/etc/signage-player/secrets"
    ]


def test_polkit_allows_what_it_allowed_before_root_had_a_helper() -> None:
    """Time servers, the clock, radios and sticks are the helper's: a rule for them would allow more than its verbs do."""
    rules = (FOLDER / "polkit.rules").read_text()
    assert sorted(re.findall(r'"(org\.[\w.-]+)"', rules)) == [
        "org.freedesktop.login1.power-off", "org.freedesktop.login1.power-off-multiple-sessions", "org.freedesktop.login1.reboot",
        "org.freedesktop.login1.reboot-multiple-sessions", "org.freedesktop.systemd1.manage-units",
        "org.freedesktop.timedate1.set-timezone",
    ]  # fmt: skip


def test_the_units_and_the_command_agree_on_the_folders() -> None:
    told = [{value for value in values(name, "Environment") if value.startswith("SIGNAGE__")} for name in UNITS]
    assert told[0] == told[1] == told[2]
    command = (FOLDER / "signage-player.sh").read_text()
    for setting in told[0]:
        variable, _, folder = setting.partition("=")
        assert f'export {variable}="${{{variable}-{folder}}}"' in command


def test_the_watchdogs_hear_from_the_two_daemons_that_show_progress() -> None:
    assert (values("agent", "Type"), values("agent", "WatchdogSec")) == (["notify"], ["30"])
    assert values("agent", "TimeoutAbortSec") == ["1"], "one that was stopped takes no SIGABRT"
    assert (values("stage", "Type"), values("stage", "WatchdogSec")) == (["notify"], ["13"])
    assert (values("compositor", "Type"), values("compositor", "WatchdogSec")) == (["exec"], [])


def test_on_one_busy_processor_the_agent_gets_a_seventh() -> None:
    weights = {name: int(values(name, "CPUWeight")[0]) for name in UNITS}
    assert weights["agent"] / sum(weights.values()) >= 1 / 7
    assert weights["stage"] > weights["agent"], "the picture goes first"
    at_a_boot = weights | {"compositor": int(values("compositor", "StartupCPUWeight")[0])}
    assert weights["agent"] / sum(at_a_boot.values()) >= 1 / 15, "a boot ends when the agent is up"
    assert at_a_boot["compositor"] > 2 * weights["compositor"], "the panel is black until it has drawn"


def test_the_browser_can_be_asked_for_by_the_stage_alone_and_each_is_a_unit() -> None:
    socket = dict(settings("signage-browser.socket"))
    assert (socket["SocketUser"], socket["SocketGroup"], socket["SocketMode"]) == ("signage-stage", "signage-stage", "0600")
    assert socket["Accept"] == "yes"
    assert f"SIGNAGE_BROWSER={socket['ListenSequentialPacket']}" in values("stage", "Environment")
    assert (values("browser@", "ExecStart"), values("browser@", "StandardInput"), values("browser@", "User")) == (
        ["/opt/signage-player/venv/bin/python -I -B -m player.stage.web.steward /run/signage-browser"],
        ["socket"],
        ["signage-browser"],
    )
    assert values("browser@", "TemporaryFileSystem") == ["/run/signage-browser:mode=1777,size=30%"]


def test_c16_a_browser_has_limits_of_its_own_and_sees_nothing_of_the_players() -> None:
    assert int(values("browser@", "CPUWeight")[0]) < int(values("stage", "CPUWeight")[0])
    assert (values("browser@", "MemoryMax"), values("stage", "MemoryMax")) == (["70%"], ["85%"])
    assert int(values("browser@", "TasksMax")[0]) > landing.TASKS
    assert (values("browser@", "OOMPolicy"), values("browser@", "Slice")) == (["continue"], ["system.slice"])
    assert (values("browser@", "PrivateNetwork"), values("browser@", "IPAddressAllow")) == (["yes"], [landing.ADDRESS])
    shut = " ".join(values("browser@", "InaccessiblePaths")).split()
    told = {value.rpartition("=")[2] for value in values("stage", "Environment") if value.startswith("SIGNAGE__")}
    assert {f"-{folder}" for folder in (*told, "/etc/signage-player", "/run/signage-browser.sock")} <= {*shut}


def test_l4_a_page_on_the_screen_cannot_reach_the_services_of_this_box() -> None:
    assert values("stage", "IPAddressDeny") == ["localhost link-local"]
    assert values("stage", "IPAddressAllow") == ["127.0.0.1 127.0.0.53 127.0.0.54"]


@pytest.mark.parametrize("name", UNITS)
def test_what_a_daemon_prints_is_in_the_journal_and_never_on_the_panel(name: str) -> None:
    """Whatever the system's default is: a line on the console would be seen under a compositor that is away."""
    assert (values(name, "StandardOutput"), values(name, "StandardError")) == (["journal"], ["journal"])


def test_the_bare_console_keeps_its_picture_where_the_compositor_dies() -> None:
    """seatd would have the terminal show text again; and each frame buffer that appears is filled, whenever it does."""
    assert values("console", "ConditionPathExists") == ["/dev/fb0"]
    assert values("console", "CapabilityBoundingSet") == ["CAP_SYS_TTY_CONFIG"]
    assert "Environment=SEATD_VTBOUND=0" in (FOLDER / "seatd.conf").read_text().splitlines()
    rules = (FOLDER / "console.udev.rules").read_text()
    assert 'KERNEL=="fb0"' in rules
    assert 'ENV{SYSTEMD_WANTS}+="signage-console.service"' in rules


def test_the_bare_console_has_its_picture_as_early_as_can_be_and_not_a_second_time_in_the_midst_of_a_boot() -> None:
    assert (values("console", "WantedBy"), values("console", "After")) == (["sysinit.target"], ["systemd-udevd.service"])
    assert int(values("console", "CPUWeight")[0]) > int(values("compositor", "CPUWeight")[0])
    assert 'ENV{SYNTH_UUID}==""' in (FOLDER / "console.udev.rules").read_text(), "what udev goes through again is known already"
    installer = (FOLDER.parent / "scripts/install").read_text()
    assert "boot=(signage-console.service signage-trial.service)" in installer
    assert 'systemctl enable -q "${units[@]}" "${sockets[@]}" "${boot[@]}"' in installer


def test_under_the_compositor_lies_an_empty_console_and_the_boots_picture_gives_way_to_it() -> None:
    assert (values("compositor", "TTYPath"), values("compositor", "TTYVTDisallocate")) == (["/dev/tty1"], ["yes"])
    assert values("compositor", "ExecStartPre") == ["-+/usr/bin/plymouth quit --retain-splash"]
    assert "ShowStatus=no" in (FOLDER / "manager.conf").read_text().splitlines()
    assert "kernel.printk = 3 4 1 3" in (FOLDER / "sysctl.conf").read_text().splitlines()


def test_l8_keys_of_a_keyboard_that_somebody_plugs_in_do_nothing() -> None:
    assert "kernel.sysrq = 0" in (FOLDER / "sysctl.conf").read_text()
    assert "NAutoVTs=0" in (FOLDER / "logind.conf").read_text()
    rules = [line for line in (FOLDER / "udev.rules").read_text().splitlines() if line.startswith("SUBSYSTEM")]
    assert ['ENV{LIBINPUT_IGNORE_DEVICE}="1"' in rule for rule in rules] == [True, True]
