"""The installer on a real systemd: Debian 12 and 13, each installed once and then tried in the order of this file.

The screen is one in memory (`stage.backend = "headless"`): a container has neither a graphics card nor its own kernel, so KMS,
devices and memory limits are not seen here; users, folders, sandboxes, system calls, polkit and the life of the units are.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from aiohttp import web

from player.demo.adcast.client import Operator
from player.demo.adcast.seed import EMAIL, PASSWORD
from player.demo.adcast.server import DemoServer
from player.demo.samples import Sample
from scripts.quiet_boot import quieted
from tests.fakes.samples import make_picture
from tests.install.bundles import BRINGS, EXTRA, SPOILT, TRUST, making
from tests.install.container import PATIENT_S, Container, wait_for

T = TypeVar("T")
pytestmark = [pytest.mark.root, pytest.mark.nightly, pytest.mark.timeout(3600)]
PI = "console=serial0,115200 console=tty1 root=PARTUUID=4e639091-02 rootfstype=ext4 fsck.repair=yes rootwait"
UNITS = ("signage-compositor", "signage-stage", "signage-agent")
SERVER = '[cms]\\nurl = "%s"\\npoll_interval = 3\\n'
CONFIG = '[stage]\nbackend = "headless"\nsize = "1280x720"\n'


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def device(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """A container with the player installed and running."""
    with Container(request.param, tmp_path_factory.mktemp(request.param)) as container:
        container.run(f"mkdir -p /etc/signage-player && printf '%s' '{CONFIG}' > /etc/signage-player/config.toml")
        container.run("dpkg-query -W -f='${Package}\\n' | sort > /root/before")
        container.run("/src/scripts/install")
        yield container


def status(device: Container) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(device.run("signage-player status --json"))
    return answer


def pids(device: Container) -> dict[str, int]:
    """Of each unit the process that does its work: the stage's is a child of the one that systemd started. 0: none."""
    found = {unit: int(device.run(f"systemctl show -P MainPID {unit}")) for unit in UNITS}
    waits = found["signage-stage"]
    code, plays = device.try_run(f"cat /proc/{waits}/task/{waits}/children")
    return found | {"signage-stage": int(plays.split()[0]) if code == 0 and plays else 0}


def active(device: Container) -> bool:
    return device.try_run("systemctl is-active " + " ".join(UNITS))[1].split() == ["active"] * 3


def test_after_the_installation_the_player_runs_and_nothing_failed(device: Container) -> None:
    assert active(device)
    assert device.run("systemctl --failed --no-legend") == ""
    wait_for(lambda: status(device)["stage"]["backend"] == "headless", "the stage to report to the agent")
    assert status(device)["stage"]["size"] == "1280x720"
    assert confirmed(device) == version(device), "it stayed up: what a version before kept in another form may go"


def test_what_is_on_screen_can_be_looked_at(device: Container) -> None:
    device.run("signage-player screenshot /root/screen.png")
    assert (device.tree / "root/screen.png").read_bytes().startswith(b"\x89PNG")


async def test_a_paired_screen_plays_and_what_it_showed_is_reported(device: Container, tmp_path: Path) -> None:
    """Through every sandbox: registered, paired, fetched, prepared, played, journalled, reported."""
    server = DemoServer(tmp_path, "127.0.0.1", 0, heartbeat_interval_s=2.0)
    async with server, Operator(server.url) as operator:
        await server.seed_samples([Sample("Bean", "image", make_picture(tmp_path / "bean.png"), 2.0)])
        await operator.login(EMAIL, PASSWORD)
        await asyncio.to_thread(device.run, f"printf '{SERVER}' {server.url} >> /etc/signage-player/config.toml")
        await asyncio.to_thread(device.run, "systemctl restart signage-agent signage-stage")
        code = await until(lambda: asyncio.to_thread(status, device), lambda found: found["pairing_code"], "a pairing code")
        paired = await operator.pair(code["pairing_code"])
        await until(lambda: operator.plays(paired["id"]), lambda plays: len(plays) > 1, "proof of play at the server")
        command = await operator.command(paired["id"], "screenshot")
        assert (await operator.wait_result(command["id"], PATIENT_S))["status"] == "succeeded"
        assert (await asyncio.to_thread(status, device))["state"] == "playing"
        async with site(GROWS) as grows, site(GREEN) as green:
            pages = [await operator.link(url, "web", "Board", 2) for url in (green, grows)]
            await operator.update_playlist(1, items=[page["id"] for page in pages])
            async with asyncio.timeout(PATIENT_S):  # until the browser is up for the first time, and plays are sent
                while not any(play["content_id"] == pages[0]["id"] for play in await operator.plays(paired["id"])):  # noqa: ASYNC110
                    await asyncio.sleep(1)
            await asyncio.to_thread(wait_for, lambda: ended_for_memory(device), "a page that grows to be ended")
            await asyncio.to_thread(see_where_the_browser_lives, device)


GREEN = "<!doctype html><body style='background: lime'>"
GROWS = "<!doctype html><script>const all = []; setInterval(() => all.push(new Uint8Array(16 << 20).fill(1)), 50)</script>"


def ended_for_memory(device: Container) -> bool:
    return "(page_memory)" in device.run("journalctl -b -o cat -u signage-stage")


def faults(device: Container) -> set[str]:
    return {fault["code"] for fault in status(device)["faults"]}


def see_where_the_browser_lives(device: Container) -> None:
    """In a unit and as a user of its own, which reach nothing of the player's; and no longer than the stage."""
    pid = status(device)["stage"]["pids"]["browser"]
    assert "/system.slice/signage-browser@" in device.run(f"cat /proc/{pid}/cgroup")
    assert device.run(f"stat -c %U /proc/{pid}") == "signage-browser"
    within = f"nsenter -t {pid} -m setpriv --reuid signage-browser --regid signage-browser --init-groups --"
    for reached in (
        "/var/lib/signage-player",
        "/var/cache/signage-player",
        "/etc/signage-player",
        "/run/signage-stage",
        "/run/dbus",
    ):
        assert device.try_run(f"{within} ls {reached}/")[0] != 0, reached
    assert not faults(device) & {"browser_island", "browser_no_sandbox", "browser_gone", "stream_gate"}
    device.run("systemctl stop signage-stage")
    wait_for(lambda: not device.run("systemctl list-units --no-legend 'signage-browser@*'"), "the browser's end")
    assert device.try_run("pgrep -u signage-browser")[1] == ""
    device.run("systemctl start signage-stage")


@contextlib.asynccontextmanager
async def site(page: str) -> AsyncIterator[str]:
    """A page, and where it is."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=page, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def until(ask: Callable[[], Awaitable[T]], enough: Callable[[T], Any], what: str) -> T:
    """The first answer of `ask` that is `enough`, in time."""
    async with asyncio.timeout(PATIENT_S):
        while True:
            found = await ask()
            if enough(found):
                return found
            await asyncio.sleep(0.5)


def test_x3_folders_and_secrets_are_open_to_nobody_who_does_not_need_them(device: Container) -> None:
    folders = ["/var/lib/signage-player", "/var/lib/signage-player/stage", "/var/cache/signage-player", "/run/signage-player"]
    folders += ["/run/signage-stage", "/etc/signage-player", "/etc/signage-player/config.toml"]
    assert device.run("stat -c '%A %U:%G' " + " ".join(folders)).splitlines() == [
        "drwxr-x--- signage:signage",
        "drwxr-s--- signage-stage:signage",
        "drwxr-x--- signage:signage",
        "drwxr-x--- signage:signage",
        "drwxr-s--- signage-stage:signage",
        "drwxr-x--- root:signage",
        "-rw-r----- root:signage",
    ]
    assert device.run("stat -c '%A %U' /var/lib/signage-player/identity.json") == "-rw------- signage"
    assert (
        device.try_run("setpriv --reuid signage-stage --regid signage --init-groups cat /var/lib/signage-player/identity.json")[0]
        == 1
    )
    assert device.run("find /var/lib/signage-player /run/signage-stage /run/signage-player -perm /o=rwx -not -type l") == ""


def test_x3_the_agent_cannot_touch_the_screen_and_the_stage_cannot_touch_the_state(device: Container) -> None:
    agent, stage = pids(device)["signage-agent"], pids(device)["signage-stage"]
    assert re.search(r"^NoNewPrivs:\s1$", device.run(f"cat /proc/{agent}/status /proc/{stage}/status"), re.MULTILINE)
    as_agent = f"nsenter -t {agent} -m setpriv --reuid signage --regid signage --init-groups --"
    as_stage = f"nsenter -t {stage} -m setpriv --reuid signage-stage --regid signage --init-groups --"
    assert device.try_run(f"{as_agent} test -w /run/seatd.sock")[0] == 1
    assert device.try_run(f"{as_agent} test -w /run/signage-stage/sway.sock")[0] == 1
    assert device.try_run(f"{as_agent} touch /var/lib/signage-player/stage/x")[0] == 1
    assert device.try_run(f"{as_agent} touch /var/lib/signage-player/x && rm /var/lib/signage-player/x")[0] == 0
    assert device.try_run(f"{as_stage} touch /var/lib/signage-player/x")[0] == 1
    assert device.try_run(f"{as_stage} touch /var/cache/signage-player/x")[0] == 1
    assert device.try_run(f"{as_stage} touch /var/lib/signage-player/stage/x")[0] == 0
    device.run("rm /var/lib/signage-player/stage/x")


def test_root_does_its_few_verbs_for_the_agent_and_nothing_for_anybody_else(device: Container) -> None:
    program = (
        "import asyncio, sys; from player.device.root import RootSocket; print(asyncio.run(RootSocket().ask('it', *sys.argv[1:])))"
    )

    def ask(user: str, *arguments: str) -> str:
        python = f'/opt/signage-player/venv/bin/python -P -c "{program}" {" ".join(arguments)}'
        return device.try_run(f"setpriv --reuid {user} --regid {user} --init-groups {python} 2>&1")[1]

    assert "No files found for systemd-timesyncd.service" in ask("signage", "ntp_server", "ntp.example.com")
    device.run("apt-get -q install -y --no-install-recommends systemd-timesyncd")
    device.run("systemctl restart systemd-timedated")  # it knows the services that were there at its start
    assert "Traceback" not in ask("signage", "ntp_server", "ntp.example.com")
    assert "NTP=ntp.example.com" in device.run("cat /etc/systemd/timesyncd.conf.d/signage-player.conf")
    assert "a time server is a host name or an address" in ask("signage", "ntp_server", "'a;reboot'")
    assert "this is not among what is done here" in ask("signage", "reboot")
    assert "'unit': 'signage-agent'" in ask("signage", "journal", "0", "4102444800", "oldest")
    assert "no folder of bundles is configured" in ask("signage", "update", "9.9")
    assert "no unit is configured that brings one up" in ask("signage", "vpn", "on")
    assert "Permission denied" in ask("signage-stage", "ntp_server", "evil.example.com")
    assert "NTP=ntp.example.com" in device.run("cat /etc/systemd/timesyncd.conf.d/signage-player.conf")
    assert device.run("systemctl --failed --no-legend") == ""
    device.run("apt-get -q purge -y systemd-timesyncd && rm -r /etc/systemd/timesyncd.conf.d")


def test_the_agent_may_reboot_set_the_zone_and_restart_the_player_and_nothing_else(device: Container) -> None:
    def ask(service: str, path: str, interface: str, method: str, *arguments: str) -> str:
        call = f"busctl call {service} {path} {interface} {method} {' '.join(arguments)}"
        return device.try_run(f"setpriv --reuid signage --regid signage --init-groups {call}")[1]

    def login(method: str) -> str:
        return ask("org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager", method)

    def clock(method: str, *arguments: str) -> str:
        return ask("org.freedesktop.timedate1", "/org/freedesktop/timedate1", "org.freedesktop.timedate1", method, *arguments)

    def unit(method: str, name: str) -> str:
        manager = "org.freedesktop.systemd1.Manager"
        return ask("org.freedesktop.systemd1", "/org/freedesktop/systemd1", manager, method, "ss", name, "replace")

    assert login("CanReboot") == 's "yes"'
    assert login("CanPowerOff") == 's "yes"'
    assert clock("SetTimezone", "sb", "Europe/Paris", "false") == ""
    assert "ccess denied" in clock("SetTime", "xbb", "1000000", "true", "false")
    assert "ccess denied" in unit("RestartUnit", "seatd.service")
    assert "ccess denied" in unit("StopUnit", "signage-stage.service")
    assert unit("RestartUnit", "signage-stage.service").startswith("o ")
    wait_for(lambda: active(device), "the stage to come back")


def test_a_second_installation_changes_nothing(device: Container) -> None:
    before = pids(device)
    device.run("touch /tmp/mark")
    output = device.run("/src/scripts/install")
    changed = device.run("find /etc /opt /usr/local -newer /tmp/mark -not -type d")
    assert (changed, pids(device)) == ("", before)
    assert "installing" not in output


@pytest.mark.parametrize("victim", UNITS)
def test_p1_p3_a_killed_daemon_comes_back_alone(device: Container, victim: str) -> None:
    before = pids(device)
    device.run(f"kill -9 {before[victim]}")
    wait_for(lambda: pids(device)[victim] not in (0, before[victim]) and active(device), f"{victim} to come back")
    wait_for(lambda: active(device), "all to be there")
    after = pids(device)
    follows = {"signage-stage"} if victim == "signage-compositor" else set()  # windows do not outlive their compositor
    assert {unit for unit in UNITS if after[unit] != before[unit]} - follows == {victim}
    wait_for(lambda: status_size(device) == "1280x720", "the picture to come back")


def status_size(device: Container) -> str:
    code, output = device.try_run("signage-player status --json")
    return str(json.loads(output)["stage"]["size"]) if code == 0 else ""


def codes(device: Container) -> set[str]:
    """The codes of the faults that the agent tells of."""
    code, output = device.try_run("signage-player status --json")
    return {fault["code"] for fault in json.loads(output)["faults"]} if code == 0 else set()


def test_s3_on_a_read_only_disk_the_units_start_and_tell_of_it(device: Container) -> None:
    state = "/var/lib/signage-player"
    device.run(f"mount --bind {state} {state} && mount -o remount,bind,ro {state}")
    try:
        device.run("systemctl restart signage-agent signage-stage")
        wait_for(lambda: "storage" in codes(device), "the fault of the disk")
        assert active(device)
    finally:
        device.run(f"umount {state}; systemctl restart signage-agent signage-stage")
    wait_for(lambda: active(device) and "storage" not in codes(device), "a disk that takes what is written")
    wait_for(lambda: status_size(device) == "1280x720", "the picture to come back")


def test_p2_a_stage_that_hangs_is_started_again_by_the_watchdog(device: Container) -> None:
    before = pids(device)
    device.run(f"kill -STOP {before['signage-stage']}")
    wait_for(lambda: pids(device)["signage-stage"] not in (0, before["signage-stage"]), "the watchdog")
    wait_for(lambda: active(device), "the stage to come back")
    assert pids(device)["signage-agent"] == before["signage-agent"]


def test_p2_an_agent_that_hangs_is_started_again_by_the_watchdog(device: Container) -> None:
    before = pids(device)
    device.run(f"kill -STOP {before['signage-agent']}")
    wait_for(lambda: pids(device)["signage-agent"] not in (0, before["signage-agent"]), "the watchdog")
    wait_for(lambda: active(device), "the agent to come back")
    assert pids(device)["signage-stage"] == before["signage-stage"]


def test_p2_a_compositor_that_hangs_is_ended_by_the_stage(device: Container) -> None:
    before = pids(device)
    device.run(f"kill -STOP {before['signage-compositor']}")
    wait_for(lambda: pids(device)["signage-compositor"] not in (0, before["signage-compositor"]), "the stage to notice")
    wait_for(lambda: active(device) and status_size(device) == "1280x720", "the picture to come back")
    assert pids(device)["signage-agent"] == before["signage-agent"]
    assert "asked to start it again" not in device.run("journalctl -b -u signage-agent -o cat")


def test_p2_a_compositor_that_the_stage_cannot_end_is_ended_by_systemd_at_the_agents_word(device: Container) -> None:
    """The stage's two words are written here: nothing that runs as its user could withstand it."""
    before = pids(device)
    started_at = json.loads(device.run("cat /run/signage-stage/compositor.json"))["started_at"]
    for count, pause_s in ((1, 7), (2, 0)):
        told = json.dumps({"count": count, "last_at": started_at + 11 * count})
        device.run(f"echo '{told}' > /run/signage-stage/hangs.json; chown signage-stage:signage /run/signage-stage/hangs.json")
        time.sleep(pause_s)  # the agent looks every five seconds
    wait_for(lambda: pids(device)["signage-compositor"] not in (0, before["signage-compositor"]), "systemd to end it")
    wait_for(lambda: active(device) and status_size(device) == "1280x720", "the picture to come back")
    assert pids(device)["signage-agent"] == before["signage-agent"]
    assert "the system starts the compositor again" in device.run("journalctl -b -u signage-agent -o cat")
    device.run("rm /run/signage-stage/hangs.json")


def test_the_boot_loaders_files_are_left_alone_until_somebody_agrees(device: Container) -> None:
    device.run(
        f"mkdir -p /boot/firmware && echo '{PI}' > /boot/firmware/cmdline.txt && echo dtparam=audio=on > /boot/firmware/config.txt"
    )
    output = device.run("/src/scripts/install")
    assert "console=tty3" in output
    assert "scripts/install --quiet-boot" in output
    assert device.run("cat /boot/firmware/cmdline.txt") == PI
    device.run("/src/scripts/install --quiet-boot")
    assert device.run("cat /boot/firmware/cmdline.txt") == quieted(PI, splash=False)
    assert "disable_splash=1" in device.run("cat /boot/firmware/config.txt")


def test_doctor_names_what_draws_and_keeps_what_the_panel_gets(device: Container) -> None:
    _, output = device.try_run("signage-player doctor --json --picture /root/panel.png")
    found = {finding["ability"]: finding for finding in json.loads(output)}
    assert found["graphics"]["detail"] == "the processor draws (pixman): no panel is drawn on"
    assert found["picture"]["detail"] == "this is what the panel gets: /root/panel.png"
    assert (device.tree / "root/panel.png").read_bytes().startswith(b"\x89PNG")


def test_p10_a_stop_is_clean_and_quick(device: Container) -> None:
    device.run("systemctl stop 'signage-*'")
    assert device.try_run("pgrep -u signage,signage-stage,signage-browser")[1] == ""
    results = device.run("systemctl show -P Result " + " ".join(UNITS)).split()
    assert results == ["success"] * 3
    assert device.try_run("signage-player status")[0] == 3
    device.run("systemctl start " + " ".join(UNITS))


def test_after_a_boot_the_player_is_there_by_itself(device: Container) -> None:
    uuid8 = status(device)["uuid8"]
    device.stop()
    device.boot()
    wait_for(lambda: active(device) and status_size(device) == "1280x720", "the player after the boot")
    assert status(device)["uuid8"] == uuid8
    assert device.run("systemctl --failed --no-legend") == ""


def make_bundle(device: Container, version: str, spoil: str = "true") -> None:
    device.run(making(version, spoil))


def version(device: Container) -> str:
    code, output = device.try_run("signage-player status --json")
    return str(json.loads(output)["version"]) if code == 0 else ""


def confirmed(device: Container) -> str:
    """The version of which the installer has seen that it stays."""
    found = json.loads(device.run("cat /var/lib/signage-player/confirmed.json"))["body"]
    return str(found["version"]) if found["confirmed"] else ""


def system_files(device: Container) -> str:
    """The player's in /etc and /usr/local, with their hashes, and which units are enabled."""
    found = "find /etc /usr/local -name '*signage*' -not -type d -not -path '/etc/signage-player/*' | sort | xargs sha256sum"
    return device.run(f"set -o pipefail; {found}")


def test_u1_u4_a_signed_bundle_replaces_the_version_and_one_that_does_not_run_is_taken_back(device: Container) -> None:
    before = version(device)
    make_bundle(device, "7.0")
    code, output = device.try_run("signage-player update /root/7.0.bundle")
    assert (code, "no key is configured" in output) == (1, True)
    device.run(TRUST)
    assert version(device) == before
    device.run("signage-player update /root/7.0.bundle")
    wait_for(lambda: version(device) == "7.0" and active(device), "the version of the bundle")
    assert confirmed(device) == "7.0"
    code, output = device.try_run("signage-player update /root/7.0.bundle")
    assert (code, "only a newer version" in output) == (1, True)
    files = system_files(device)
    make_bundle(device, "8.0", SPOILT + BRINGS)
    code, output = device.try_run("signage-player update /root/8.0.bundle")
    assert (code, "the version before is started again" in output) == (1, True), output
    wait_for(lambda: version(device) == "7.0" and active(device), "the version before")
    assert confirmed(device) == "7.0", "what did not stay up is not confirmed"
    assert system_files(device) == files, "units go with the version that brought them"
    assert device.try_run(f"systemctl is-active {EXTRA}")[1] == "inactive"
    assert device.run("systemctl show -P CPUWeight signage-stage") == "300"
    assert device.run("ls /var/tmp | grep signage-update || true") == ""


def test_u4_after_a_boot_an_update_that_was_cut_off_is_judged_by_the_version_before(device: Container) -> None:
    """Links and units are as the power leaves them between the installer's step and its verdict."""
    files = system_files(device)
    runs = device.run("readlink /opt/signage-player/venv")
    other = device.run(f"ls /opt/signage-player/releases | grep -v {Path(runs).name}")
    device.run(f"ln -sfn {runs} /opt/signage-player/venv.before; ln -sfn releases/{other} /opt/signage-player/venv")
    device.run(f"cp -r /opt/signage-player/releases/{other}/system/. / && systemctl daemon-reload && systemctl enable {EXTRA}")
    device.run("mkdir /var/tmp/signage-update-cut")
    device.stop()
    device.boot()
    code, output = device.try_run("signage-player update /root/7.0.bundle")
    assert (code, "is still looked at" in output) == (1, True), output
    wait_for(lambda: version(device) == "7.0" and active(device), "the version before")
    assert "does not stay up; the version before is started again" in device.run("journalctl -b -u signage-trial -o cat")
    assert device.run("readlink /opt/signage-player/venv") == runs
    wait_for(lambda: device.try_run("systemctl is-active signage-trial")[1] == "inactive", "its last deed")
    assert system_files(device) == files, "units go with the version that brought them"
    wait_for(lambda: version(device) == "7.0" and active(device), "the version before, in its own units")
    assert device.run("ls -d /opt/signage-player/venv.before /var/tmp/signage-update-* 2>/dev/null || true") == ""
    assert device.run("systemctl --failed --no-legend") == ""


class Tool:
    """What manages the container's player over its API: the network is this machine's."""

    def __init__(self, device: Container, port: int) -> None:
        said = device.run("signage-player token create --kind device --name tool --scope admin")
        self._auth, self._url = said.split()[1], f"http://127.0.0.1:{port}"
        wait_for(self._is_there, "the management's answer")
        self.own = f"/v1/device/{self.ask('GET', '/v1/device')[0]['uid']}"

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """What is answered. Raises OSError where that is no 2xx, or nothing."""
        headers = {"X-Auth": self._auth, "Content-Type": "application/json"}
        given = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, given, headers, method=method)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)

    def _is_there(self) -> bool:
        with contextlib.suppress(OSError):
            return bool(self.ask("GET", "/v1/device"))
        return False

    def ended(self, what: str) -> dict[str, Any]:
        """The newest request of that type in the history, once it has ended."""
        found: list[dict[str, Any]] = []

        def look() -> bool:
            found[:] = [one for one in self.ask("GET", f"{self.own}/action-log") if one["type"] == what]
            return bool(found and (found[0]["succeededAt"] or found[0]["failedAt"]))

        wait_for(look, f"{what} to end")
        return found[0]


TUNNEL = "[Unit]\\nDescription=A tunnel\\n[Service]\\nExecStart=/usr/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n"
MANAGED = '[control]\\nlisten = "127.0.0.1:%d"\\n[devices]\\nvpn = "tunnel.service"\\n'


@pytest.fixture(scope="module")
def tool(device: Container) -> Tool:
    """With a unit that stands for a VPN, and a folder for bundles."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    conf = "/etc/signage-player/config.toml"
    device.run(f"printf '{TUNNEL}' > /etc/systemd/system/tunnel.service && systemctl daemon-reload && mkdir -p /srv/bundles")
    device.run(f"printf '{MANAGED % port}' >> {conf}")
    device.run(f"sed -i 's|^\\[update\\]$|&\\nfolder = \"/srv/bundles\"|' {conf} && systemctl restart signage-agent")
    return Tool(device, port)


def test_the_management_switches_the_vpn_and_reads_the_systems_journal(device: Container, tool: Tool) -> None:
    for enable, state, kept in ((True, "active", "enabled"), (False, "inactive", "disabled")):
        tool.ask("PUT", f"{tool.own}/vpn", {"enable": enable})
        assert tool.ended("Device.Vpn.Set")["succeededAt"]
        assert tool.ask("GET", f"{tool.own}/vpn") == [{"enabled": enable}]
        assert device.try_run("systemctl is-active tunnel; systemctl is-enabled tunnel")[1].split() == [state, kept]
    lines = tool.ask("GET", f"{tool.own}/system-log?limit=500")
    assert "signage-stage" in {line["unit"] for line in lines}, "both daemons, out of one journal that the agent may not read"
    assert not any("the last 200 lines" in line["message"] for line in lines)
    assert device.run("systemctl --failed --no-legend") == ""


def test_u1_the_management_has_a_version_installed_by_its_number(device: Container, tool: Tool) -> None:
    def ask_for(number: str) -> None:
        tool.ask("PUT", f"{tool.own}/application/linux/version", {"applicationType": "linux", "version": number})

    ask_for("9.9")
    refused = tool.ended("Device.ApplicationVersion.Set")
    assert refused["failedAt"]
    assert "version 9.9 is in no bundle in /srv/bundles" in refused["reason"]
    make_bundle(device, "9.0")
    device.run("mv /root/9.0.bundle /srv/bundles/any-name.bundle")
    ask_for("9.0")
    wait_for(lambda: version(device) == "9.0" and active(device), "the version of the bundle")
    wait_for(lambda: device.try_run("systemctl is-active signage-update@9.0")[1] == "inactive", "the installer's verdict")
    assert device.run("systemctl show -P Result signage-update@9.0") == "success"
    assert confirmed(device) == "9.0"
    found = tool.ask("GET", f"{tool.own}/application/version")
    assert (found["version"], found["failedAt"]) == ("9.0", None), "it has succeeded when it has run for eleven minutes"
    assert device.run("systemctl --failed --no-legend") == ""
    device.run("rm -rf /root/made /root/wheels /root/*.bundle /srv/bundles /etc/systemd/system/tunnel.service")


def test_uninstalling_keeps_what_is_dear_and_purging_nothing(device: Container) -> None:
    device.run("touch /root/plain")
    said = device.run("/src/scripts/install --uninstall")
    assert "--uninstall --packages" in said
    assert device.run("cat /boot/firmware/cmdline.txt /boot/firmware/config.txt") == f"{PI}\ndtparam=audio=on"
    assert device.try_run("systemctl is-active seatd.service")[1] == "inactive"
    assert device.try_run("systemctl list-unit-files --no-legend 'signage-*'")[1] == ""
    assert device.run("systemctl --failed --no-legend") == ""
    assert device.run("ls -d /etc/signage-player/config.toml /var/lib/signage-player/identity.json").count("\n") == 1
    assert device.try_run("systemctl is-enabled getty@tty1.service")[1] == "enabled"
    device.run("/src/scripts/install --uninstall --purge --packages")
    assert (
        device.run("dpkg-query -W -f='${db:Status-Abbrev}${Package}\\n' | sed -n 's/^ii *//p' | sort | comm -13 /root/before -")
        == ""
    )
    assert (
        device.run(
            "find / -xdev -name '*signage*' -not -path '/proc/*' -not -path '/src*' -not -path '/var/log/*' -not -path '/tmp/*'"
        )
        == ""
    )
    users = "signage signage-stage signage-browser"
    assert device.try_run(f"getent passwd {users}; getent group {users} i2c")[1] == ""


def test_a_machine_with_a_desktop_is_left_alone_unless_it_is_to_be_a_kiosk(device: Container) -> None:
    device.run("printf '[Service]\\nExecStart=/usr/bin/sleep infinity\\n' > /etc/systemd/system/desktop.service")
    device.run("ln -s desktop.service /etc/systemd/system/display-manager.service && systemctl daemon-reload")
    device.run("systemctl set-default graphical.target")
    code, output = device.try_run("/src/scripts/install")
    assert code == 1
    assert "--kiosk" in output
    assert not Path(device.tree / "opt/signage-player").exists()
    device.run("/src/scripts/install --kiosk --no-start")
    assert device.run("systemctl get-default") == "multi-user.target"
    assert device.try_run("systemctl is-active display-manager.service")[1] == "inactive"
    device.run("/src/scripts/install --uninstall --purge")
    assert device.run("systemctl get-default") == "graphical.target"
    wait_for(lambda: device.try_run("systemctl is-active display-manager.service")[1] == "active", "the desktop, at once")


def test_an_image_is_made_in_a_chroot_and_plays_from_its_first_boot(tmp_path: Path) -> None:
    """Nothing runs there that could be started, and the builder's own systemd is none of ours."""
    container = Container("bookworm", tmp_path)
    with container.made():
        container.in_chroot(f"mkdir -p /etc/signage-player && printf '%s' '{CONFIG}' > /etc/signage-player/config.toml")
        said = container.in_chroot("/src/scripts/install --no-start")
        assert "it starts with the next boot" in said
        assert not (container.tree / "var/lib/signage-player/identity.json").exists(), "each box of the image is to be another"
        container.boot()
        wait_for(lambda: active(container) and status_size(container) == "1280x720", "the player after the first boot")
        assert container.run("systemctl --failed --no-legend") == ""
