"""Panel power and brightness: messages byte for byte, the kernel's layouts as its header has them, and boxes laid out as files."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from player.core.ports.box import Absent, InputSource, Told
from player.device import cec, ddc
from player.device.backlight import scale, unscale
from player.device.dbus import SystemBus
from player.device.panel import BoxPanel, find_panel
from player.errors import BoxError
from tests.fakes.device import FakeCec, FakeDisplay, FakeSession, displays, private_bus, serving
from tests.fakes.running import eventually

HEADER = """
#include <stdio.h>
#include <sys/ioctl.h>
#include <linux/cec.h>
#include <linux/i2c-dev.h>
int main(void) {
  printf("%zu %zu %zu ", sizeof(struct cec_caps), sizeof(struct cec_log_addrs), sizeof(struct cec_msg));
  printf("%u %u %u ", (unsigned)CEC_ADAP_G_CAPS, (unsigned)CEC_ADAP_G_PHYS_ADDR, (unsigned)CEC_ADAP_G_LOG_ADDRS);
  printf("%u %u %u", (unsigned)CEC_ADAP_S_LOG_ADDRS, (unsigned)CEC_TRANSMIT, (unsigned)I2C_SLAVE);
}
"""


@pytest.fixture
def display() -> Iterator[Callable[..., FakeDisplay]]:
    with displays() as make:
        yield make


def box(folder: Path, ioctl: Callable[..., Any]) -> BoxPanel:
    for name in ("dev", "sys"):
        (folder / name).mkdir(exist_ok=True)
    bus = SystemBus(f"unix:path={folder}/bus", 5)
    return BoxPanel(folder / "dev", folder / "sys", bus, ioctl=ioctl, pause=lambda _: None)


class Stuck:
    """A kernel that never comes back from a call before `event` is set."""

    def __init__(self, kernel: FakeCec) -> None:
        self._kernel, self.event, self.calls = kernel, threading.Event(), 0

    def __call__(self, *arguments: Any) -> Any:
        self.calls += 1
        self.event.wait()
        return self._kernel(*arguments)


def with_cec(folder: Path, kernel: FakeCec) -> BoxPanel:
    panel = box(folder, kernel)
    (folder / "dev/cec0").touch()
    return panel


def with_display(folder: Path, fake: FakeDisplay, status: str = "connected") -> BoxPanel:
    panel = box(folder, fake.ioctl)
    output = folder / "sys/class/drm/card0-HDMI-A-1"
    (output / "i2c-3").mkdir(parents=True)
    (output / "status").write_text(f"{status}\n")
    (folder / "dev/i2c-3").symlink_to(fake.path)
    return panel


def with_backlight(folder: Path, name: str = "10-0045", kind: str = "raw", maximum: int = 255) -> Path:
    light = folder / "sys/class/backlight" / name
    light.mkdir(parents=True)
    for file, text in (("type", kind), ("max_brightness", str(maximum)), ("brightness", "17")):
        (light / file).write_text(f"{text}\n")
    return light


# --- the pure part ---------------------------------------------------------------------------------------------------------------


def test_layouts_and_requests_are_those_of_the_kernels_header(tmp_path: Path):
    (tmp_path / "ask.c").write_text(HEADER)
    subprocess.run(["gcc", "-o", tmp_path / "ask", tmp_path / "ask.c"], check=True, timeout=30)
    said = subprocess.run([tmp_path / "ask"], check=True, timeout=5, capture_output=True, text=True).stdout
    ours = [76, len(cec.pack_playback_device("x")), len(cec.pack_message(b""))]
    ours += [cec.G_CAPS, cec.G_PHYS_ADDR, cec.G_LOG_ADDRS, cec.S_LOG_ADDRS, cec.TRANSMIT, 0x0703]
    assert [int(word) for word in said.split()] == ours


def test_cec_messages_byte_for_byte():
    assert cec.build(4, cec.TV, cec.IMAGE_VIEW_ON) == bytes.fromhex("40 04")
    assert cec.build(4, cec.TV, cec.STANDBY) == bytes.fromhex("40 36")
    assert cec.build(8, cec.BROADCAST, cec.ACTIVE_SOURCE, b"\x21\x00") == bytes.fromhex("8f 82 21 00")
    assert cec.build(cec.UNREGISTERED, cec.TV, cec.IMAGE_VIEW_ON) == bytes.fromhex("f0 04")


def test_a_message_lies_in_the_kernels_struct():
    packed = cec.pack_message(bytes.fromhex("40 8f"), reply=0x90, timeout_ms=1000)
    assert packed.hex() == "00" * 16 + "02000000" + "e8030000" + "00" * 8 + "408f" + "00" * 14 + "90" + "00" * 7


def test_an_outcome_is_read_from_the_kernels_struct():
    def outcome(sent: int, received: int = 0, reply: int = 0) -> cec.Outcome:
        buffer = cec.pack_message(bytes.fromhex("04 90 01"), reply)
        buffer[49], buffer[50] = received, sent
        return cec.unpack_message(buffer)

    assert outcome(0x01) == cec.Outcome(acknowledged=True, refused=False, reply=None)
    assert outcome(0x24) == cec.Outcome(acknowledged=False, refused=True, reply=None)
    assert outcome(0x22) == cec.Outcome(acknowledged=False, refused=False, reply=None)
    assert outcome(0x01, 0x01, 0x90) == cec.Outcome(acknowledged=True, refused=False, reply=bytes.fromhex("04 90 01"))
    assert outcome(0x01, 0x02, 0x90).reply is None


def test_ddc_messages_byte_for_byte():
    assert ddc.build_get(0x10) == bytes.fromhex("51 82 01 10 ac")
    assert ddc.build_set(0x10, 50) == bytes.fromhex("51 84 03 10 00 32 9a")
    assert ddc.build_set(0xD6, 4) == bytes.fromhex("51 84 03 d6 00 04 6a")


def test_a_ddc_reply_is_read_or_refused():
    good = bytes.fromhex("6e 88 02 00 10 00 00 64 00 32 f2")
    assert ddc.parse_reply(good, 0x10) == (50, 100)
    assert ddc.parse_reply(good, 0xD6) is None
    assert ddc.parse_reply(good[:-1] + b"\0", 0x10) is None
    assert ddc.parse_reply(bytes.fromhex("6e 80 be") + bytes(8), 0x10) is None
    assert ddc.parse_reply(b"", 0x10) is None
    with pytest.raises(BoxError, match=r"no control 0x10"):
        ddc.parse_reply(bytes.fromhex("6e 88 02 01 10 00 00 00 00 00 a5"), 0x10)


@pytest.mark.parametrize(("brightness", "maximum", "level"), [(0, 255, 1), (100, 255, 255), (50, 255, 128), (0, 1, 1), (100, 1, 1)])
def test_a_backlight_is_never_turned_to_darkness(brightness: int, maximum: int, level: int):
    assert scale(brightness, maximum) == level


# --- CEC -------------------------------------------------------------------------------------------------------------------------


async def test_a_panel_is_woken_turned_to_this_input_and_asked(tmp_path: Path):
    kernel = FakeCec()
    said = await with_cec(tmp_path, kernel).set_power(True)
    assert [message.hex(" ") for message in kernel.sent] == ["40 04", "4f 82 10 00", "40 8f"]
    words = f"CEC at {tmp_path}/dev/cec0: told the panel to switch on; it says that it is switching on"
    assert said == Told(words, confirmed=True)
    (claim,) = kernel.claims
    assert claim[6:8] == b"\x05\x01"  # CEC 1.4, one address
    assert claim[16:31] == b"Signage".ljust(15, b"\0")
    assert (claim[31], claim[35], claim[39]) == (4, 3, 0x10)  # a playback device


async def test_a_panel_is_sent_to_standby_by_the_address_that_is_there(tmp_path: Path):
    kernel = FakeCec(claimed=8, reports=False)
    said = await with_cec(tmp_path, kernel).set_power(False)
    assert [message.hex(" ") for message in kernel.sent] == ["80 36", "80 8f"]
    assert said.words.endswith("sent the panel to standby; it does not say how it is")
    assert not said.confirmed, "it was sent, and no more is known"
    assert kernel.claims == []


async def test_a_claim_that_stands_already_is_done_without(tmp_path: Path):
    kernel = FakeCec(busy=True)
    await with_cec(tmp_path, kernel).set_power(True)
    assert [message.hex(" ") for message in kernel.sent] == ["f0 04", "f0 8f"]


@pytest.mark.parametrize(
    ("kernel", "reason"),
    [
        (FakeCec(tv=False), r"the panel does not answer; switch CEC on in its menu"),
        (FakeCec(connected=False), r"no panel is connected to that HDMI output"),
        (FakeCec(capabilities=0x20), r"cannot send"),
    ],
)
async def test_d1_what_cec_cannot_do_is_said(tmp_path: Path, kernel: FakeCec, reason: str):
    with pytest.raises(BoxError, match=rf"panel power: CEC at .*/dev/cec0:? {reason}"):
        await with_cec(tmp_path, kernel).set_power(False)


async def test_a_file_that_may_not_be_opened_names_the_group(tmp_path: Path):
    panel = with_cec(tmp_path, FakeCec())
    (tmp_path / "dev/cec0").chmod(0)
    with pytest.raises(BoxError, match=r"add the user to the group video"):
        await panel.set_power(True)


async def test_a_file_that_is_no_adapter_says_so(tmp_path: Path):
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/cec0").touch()
    with pytest.raises(BoxError, match=r"it is not a CEC adapter"):
        await BoxPanel(tmp_path / "dev", tmp_path / "sys", SystemBus()).set_power(True)  # the real fcntl.ioctl


async def test_a_panel_that_says_for_a_moment_what_it_was_is_asked_again(tmp_path: Path):
    assert (await with_cec(tmp_path, FakeCec(slow=2)).set_power(True)).confirmed
    told = await with_cec(tmp_path, FakeCec(slow=3)).set_power(True)
    assert told.words.endswith("it says that it is in standby")
    assert not told.confirmed


async def test_a_panel_without_edid_is_woken_by_a_device_without_a_name(tmp_path: Path):
    kernel = FakeCec(connected=False, needs_edid=False)
    told = await with_cec(tmp_path, kernel).set_power(True)
    assert [message.hex(" ") for message in kernel.sent] == ["f0 04"]
    assert (told.words.endswith("told the panel to switch on; it does not say how it is"), told.confirmed) == (True, False)


async def test_a_panel_is_reminded_and_not_asked_and_one_that_does_not_hear_costs_nothing(tmp_path: Path):
    kernel = FakeCec()
    panel = with_cec(tmp_path, kernel)
    await panel.remind(on=True, shown=True)
    await panel.remind(on=False, shown=True)
    await panel.remind(on=True, shown=False)
    assert [message.hex(" ") for message in kernel.sent] == ["40 04", "4f 82 10 00", "40 36", "40 04"]
    await with_cec(tmp_path, FakeCec(tv=False)).remind(on=True, shown=True)


async def test_the_input_is_chosen_over_cec_and_never_confirmed(tmp_path: Path):
    kernel = FakeCec()
    panel = with_cec(tmp_path, kernel)
    assert not (await panel.set_input(InputSource.HDMI_2)).confirmed
    await panel.set_input(InputSource.PLAYER)
    assert [message.hex(" ") for message in kernel.sent] == ["4f 82 20 00", "40 04", "4f 82 10 00"]
    with pytest.raises(BoxError, match=r"input source: CEC at .* reaches the panel's HDMI sockets alone, not vga_1"):
        await panel.set_input(InputSource.VGA_1)
    with pytest.raises(BoxError, match=r"only a panel on DDC/CI says what it shows"):
        await panel.input_source()


async def test_a_driver_that_never_comes_back_is_not_called_again_until_it_does(tmp_path: Path):
    with_cec(tmp_path, FakeCec())
    stuck = Stuck(FakeCec())
    bus = SystemBus(f"unix:path={tmp_path}/bus", 5)
    panel = BoxPanel(tmp_path / "dev", tmp_path / "sys", bus, ioctl=stuck, pause=lambda _: None, deadline_s=0.1)
    try:
        with pytest.raises(BoxError, match=r"the panel did not answer within"):
            await panel.set_power(True)
        await eventually(lambda: stuck.calls == 1, 20)
        for _ in range(9):
            with pytest.raises(BoxError, match=r"CEC at .*/dev/cec0 hangs"):
                await panel.set_power(True)
        assert stuck.calls == 1
    finally:
        stuck.event.set()

    told = None
    async with asyncio.timeout(20):
        while told is None:
            with contextlib.suppress(BoxError):
                told = await panel.set_power(True)
            await asyncio.sleep(0.01)
    assert told.confirmed


# --- DDC/CI ----------------------------------------------------------------------------------------------------------------------


async def test_a_monitors_brightness_is_set_in_its_own_measure(tmp_path: Path, display: Callable[..., FakeDisplay]):
    fake = display(values={0x10: [40, 80]})
    panel = with_display(tmp_path, fake)
    said = await panel.set_brightness(50)
    assert fake.values[0x10] == [40, 80]
    assert said == Told(f"DDC/CI at {tmp_path}/dev/i2c-3: the panel's brightness is 40 of 80", confirmed=True)
    await panel.set_brightness(100)
    assert fake.values[0x10] == [80, 80]
    assert set(fake.slaves) == {(0x0703, 0x37)}


async def test_a_monitor_without_cec_is_switched_by_ddc(tmp_path: Path, display: Callable[..., FakeDisplay]):
    fake = display(values={0xD6: [1, 5]})
    panel = with_display(tmp_path, fake)
    assert await panel.set_power(False) == Told(f"DDC/CI at {tmp_path}/dev/i2c-3: switched the panel off", confirmed=True)
    assert fake.values[0xD6][0] == 4
    assert (await panel.set_power(True)).words.endswith("switched the panel on")
    assert fake.values[0xD6][0] == 1


async def test_the_input_is_chosen_over_ddc_and_read_back(tmp_path: Path, display: Callable[..., FakeDisplay]):
    fake = display(values={0x60: [0x0F, 0xFF]})
    panel = with_display(tmp_path, fake)
    assert await panel.input_source() is InputSource.DISPLAYPORT_1
    assert (await panel.set_input(InputSource.HDMI_1)).confirmed
    assert (fake.values[0x60][0], await panel.input_source()) == (0x11, InputSource.HDMI_1)
    with pytest.raises(BoxError, match=r"does not know which socket this box is in; name it"):
        await panel.set_input(InputSource.PLAYER)
    fake.values[0x60][0] = 0x42
    with pytest.raises(BoxError, match=r"an input without a name \(0x42\)"):
        await panel.input_source()


async def test_a_monitor_that_keeps_its_input_has_not_confirmed_it(tmp_path: Path, display: Callable[..., FakeDisplay]):
    panel = with_display(tmp_path, display(values={0x60: [0x0F, 0xFF], 0xD6: [1, 5]}, held=True))
    assert not (await panel.set_input(InputSource.HDMI_1)).confirmed
    assert not (await panel.set_power(False)).confirmed


async def test_a_garbled_reply_is_asked_for_again_and_a_third_is_given_up(tmp_path: Path, display: Callable[..., FakeDisplay]):
    fake = display(values={0x10: [40, 100]}, garbled=2)
    panel = with_display(tmp_path, fake)
    await panel.set_brightness(70)
    assert fake.values[0x10][0] == 70
    fake.garbled = 3
    with pytest.raises(BoxError, match=r"panel brightness: DDC/CI at .*/dev/i2c-3: the panel does not answer"):
        await panel.set_brightness(10)


async def test_a_monitor_without_the_control_says_so(tmp_path: Path, display: Callable[..., FakeDisplay]):
    with pytest.raises(BoxError, match=r"the panel has no control 0xD6"):
        await with_display(tmp_path, display(values={0x10: [1, 2]})).set_power(False)


async def test_a_monitor_that_keeps_its_brightness_has_not_taken_ours(tmp_path: Path, display: Callable[..., FakeDisplay]):
    panel = with_display(tmp_path, display(values={0x10: [40, 80]}, held=True))
    with pytest.raises(BoxError, match=r"the panel keeps its brightness at 40 of 80"):
        await panel.set_brightness(100)


async def test_only_the_wires_of_connected_outputs_are_touched(tmp_path: Path, display: Callable[..., FakeDisplay]):
    fake = display(values={0x10: [40, 80]})
    panel = with_display(tmp_path, fake, status="disconnected")
    (tmp_path / "dev/i2c-0").symlink_to(fake.path)  # a clock, or the memory's chips
    with pytest.raises(BoxError, match=r"neither a backlight of the box nor DDC/CI"):
        await panel.set_brightness(50)
    assert fake.slaves == []


async def test_the_ddc_link_of_an_output_names_its_bus(tmp_path: Path):
    output = tmp_path / "sys/class/drm/card1-HDMI-A-2"
    (tmp_path / "sys/devices/i2c-21").mkdir(parents=True)
    output.mkdir(parents=True)
    (output / "status").write_text("connected\n")
    (output / "ddc").symlink_to("../../../devices/i2c-21")
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/i2c-21").touch()
    assert ddc.display_buses(tmp_path / "dev", tmp_path / "sys") == [tmp_path / "dev/i2c-21"]


# --- the backlight ---------------------------------------------------------------------------------------------------------------


async def test_a_backlight_is_written(tmp_path: Path):
    light = with_backlight(tmp_path)
    assert await box(tmp_path, FakeCec()).set_brightness(50) == Told("the backlight 10-0045: brightness 128 of 255", confirmed=True)
    assert (light / "brightness").read_text() == "128\n"


async def test_of_several_backlights_the_one_that_knows_best_is_taken(tmp_path: Path):
    raw, firmware = with_backlight(tmp_path, "amdgpu_bl0"), with_backlight(tmp_path, "thinkpad", "firmware", 15)
    await box(tmp_path, FakeCec()).set_brightness(100)
    assert ((raw / "brightness").read_text(), (firmware / "brightness").read_text()) == ("17\n", "15\n")


async def test_a_backlight_that_may_not_be_written_is_set_by_logind(tmp_path: Path):
    light = with_backlight(tmp_path)
    (light / "brightness").chmod(0o444)
    session = FakeSession()
    at = ("/org/freedesktop/login1/session/auto", session)
    async with private_bus(tmp_path) as address, serving(address, "org.freedesktop.login1", at):
        assert (await box(tmp_path, FakeCec()).set_brightness(0)).words == "the backlight 10-0045: brightness 1 of 255"
    assert session.calls == [("backlight", "10-0045", 1)]


# --- the whole -------------------------------------------------------------------------------------------------------------------


def test_a_box_with_nothing_is_absent_and_one_with_something_says_what(tmp_path: Path):
    dev, sys = tmp_path / "dev", tmp_path / "sys"
    dev.mkdir()
    absent = find_panel(dev, sys)
    assert isinstance(absent, Absent)
    assert "this box has no CEC" in absent.reason
    (dev / "i2c-1").touch()
    assert str(find_panel(dev, sys)) == "no controls"
    (dev / "cec1").touch()
    with_backlight(tmp_path)
    assert str(find_panel(dev, sys)) == f"CEC at {dev}/cec1, the backlight 10-0045"


async def test_two_panels_are_switched_and_one_that_fails_does_not_hold_the_other(tmp_path: Path):
    good = FakeCec()
    panel = with_cec(tmp_path, good)
    (tmp_path / "dev/cec1").touch()
    (tmp_path / "dev/cec0").chmod(0)
    assert (await panel.set_power(False)).words.startswith(f"CEC at {tmp_path}/dev/cec1")
    (tmp_path / "dev/cec0").chmod(0o600)
    assert (await panel.set_power(False)).words.count("sent the panel to standby") == 2


async def test_a_box_that_reaches_no_panel_gives_both_reasons(tmp_path: Path):
    panel = box(tmp_path, FakeCec())
    with pytest.raises(BoxError, match=r"panel power: this box reaches its panel neither by CEC nor by DDC/CI"):
        await panel.set_power(True)
    with pytest.raises(BoxError, match=r"panel brightness: this panel has neither"):
        await panel.set_brightness(10)


async def test_a_brightness_is_read_back_from_where_it_would_be_set(tmp_path: Path, display: Callable[..., FakeDisplay]):
    panel = with_display(tmp_path, display(values={0x10: [20, 80]}))
    assert await panel.brightness() == 25
    with_backlight(tmp_path)
    assert await panel.brightness() == 6
    await panel.set_brightness(40)
    assert await panel.brightness() == 40
    (tmp_path / "other").mkdir()
    with pytest.raises(BoxError, match=r"panel brightness: this panel has neither"):
        await box(tmp_path / "other", FakeCec()).brightness()


LEVELS = [(1, 255, 0), (0, 255, 0), (255, 255, 100), (128, 255, 50), (1, 1, 100)]


@pytest.mark.parametrize(("level", "maximum", "told"), LEVELS)
def test_a_backlights_level_is_told_as_it_is_set(level: int, maximum: int, told: int):
    assert unscale(level, maximum) == told
