"""Volume and mute on a real PulseAudio with a null sink, and on ALSA's real amixer over that server's mixer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from player.core.ports.box import Absent, Audio
from player.device.alsa import Control, find_mixer, parse_controls
from player.device.audio import PulseSink, find_audio, pulse_servers
from player.errors import BoxError
from tests.fakes.device import answering
from tests.fakes.running import ENDS_WITH_US

PI_HEADPHONES = """Simple mixer control 'PCM',0
  Capabilities: pvolume pvolume-joined pswitch pswitch-joined
  Playback channels: Mono
  Limits: Playback -10239 - 400
  Mono: Playback -1725 [50%] [-17.25dB] [on]
"""
USB_DAC = """Simple mixer control 'Auto Gain Control',0
  Capabilities: pswitch pswitch-joined
  Playback channels: Mono
  Mono: Playback [on]
Simple mixer control 'Extra',0
  Capabilities: pvolume
  Playback channels: Front Left - Front Right
  Limits: Playback 0 - 127
  Front Left: Playback 64 [20%] [-31.50dB]
  Front Right: Playback 64 [40%] [-31.50dB]
Simple mixer control 'Digital',0
  Capabilities: volume
  Playback channels: Mono
  Mono: Playback 100 [77%] [0.00dB]
Simple mixer control 'Mic',0
  Capabilities: cvolume cswitch
  Front Left: Capture 10 [10%] [on]
"""
# A mixer that keeps one number in a file: a card without a mute switch, which no sound server's mixer is.
NO_SWITCH = """#!/bin/sh
[ "$4" = sset ] && echo "${6%\\%}" >"$MIXER"
echo "Simple mixer control 'PCM',0"; echo "  Capabilities: pvolume"
echo "  Mono: Playback 7 [$(cat "$MIXER")%]"
"""


@contextlib.contextmanager
def listening(path: Path) -> Iterator[None]:
    """A socket that takes connections and says nothing."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        yield


@contextlib.asynccontextmanager
async def sound_server(folder: Path) -> AsyncIterator[dict[str, str]]:
    """A real sound server with one null sink; gives the environment of somebody in its session."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    server = await asyncio.create_subprocess_exec(
        *ENDS_WITH_US, "pulseaudio", "--daemonize=no", "-n", "--exit-idle-time=-1", "--disable-shm",
        "-L", "module-null-sink sink_name=test", "-L", "module-native-protocol-unix",
        env=environment, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await answering(folder / "pulse/native")
        yield environment
    finally:
        server.terminate()
        await server.wait()


async def find(environment: dict[str, str], folder: Path) -> Audio | Absent:
    return await find_audio(environment, proc=folder / "proc", run=folder / "run", deadline_s=2)


def one_card(folder: Path) -> Path:
    (folder / "proc/asound").mkdir(parents=True)
    (folder / "proc/asound/cards").write_text(" 0 [Headphones     ]: bcm2835_headpho - bcm2835 Headphones\n")
    return folder / "proc"


async def pactl(environment: dict[str, str], *arguments: str) -> str:
    child = await asyncio.create_subprocess_exec("pactl", *arguments, env=environment, stdout=asyncio.subprocess.PIPE)
    out, _ = await child.communicate()
    return out.decode()


async def test_volume_and_mute_of_the_default_sink(tmp_path: Path):
    async with sound_server(tmp_path) as environment:
        audio = await find(environment, tmp_path)
        assert isinstance(audio, PulseSink)
        assert await audio.volume() == 100
        for volume in (37, 0, 100):
            await audio.set_volume(volume)
            assert await audio.volume() == volume
            assert f"{volume}%" in await pactl(environment, "get-sink-volume", "test")
        for muted, word in ((True, "yes"), (False, "no")):
            await audio.set_muted(muted)
            assert await pactl(environment, "get-sink-mute", "test") == f"Mute: {word}\n"
            assert await audio.muted() is muted
        assert await audio.volume() == 100


async def test_a_server_that_was_restarted_is_found_again_and_one_that_is_gone_is_named(tmp_path: Path):
    async with sound_server(tmp_path) as environment:
        audio = await find(environment, tmp_path)
        assert not isinstance(audio, Absent)
    with pytest.raises(BoxError, match=r"audio: the sound server at unix:.*/pulse/native cannot be used"):
        await audio.volume()
    async with sound_server(tmp_path):
        await audio.set_volume(12)
        assert await audio.volume() == 12


async def test_d2_a_server_whose_sink_vanished_says_that_it_has_no_output(tmp_path: Path):
    async with sound_server(tmp_path) as environment:
        audio = await find(environment, tmp_path)
        assert not isinstance(audio, Absent)
        await pactl(environment, "unload-module", "module-null-sink")
        with pytest.raises(BoxError, match=r"has no output"):
            await audio.set_volume(12)


async def test_a_server_that_accepts_and_says_nothing_costs_the_deadline_alone(runtime_dir: Path):
    with listening(runtime_dir / "native"), pytest.raises(BoxError, match=r"did not answer within"):
        await PulseSink(f"unix:{runtime_dir}/native", deadline_s=0.2).volume()


async def test_d2_a_box_without_sound_gives_the_reasons(tmp_path: Path):
    absent = await find({}, tmp_path)
    assert absent == Absent("audio", "no sound server's socket was found; this box has no sound card that ALSA knows")


def test_sockets_are_looked_for_where_servers_put_them(runtime_dir: Path):
    places = [runtime_dir / "session/pulse", runtime_dir / f"run/user/{os.getuid()}/pulse", runtime_dir / "run/pulse"]
    with contextlib.ExitStack() as stack:
        for place in places:
            place.mkdir(parents=True)
            stack.enter_context(listening(place / "native"))
        environment = {"PULSE_SERVER": "tcp:10.0.0.7", "XDG_RUNTIME_DIR": str(runtime_dir / "session")}
        assert pulse_servers(environment, runtime_dir / "run") == ["tcp:10.0.0.7", *(f"unix:{place}/native" for place in places)]
    assert pulse_servers({}, runtime_dir / "elsewhere") == []


async def test_without_a_server_the_real_amixer_turns_the_cards_control(tmp_path: Path):
    async with sound_server(tmp_path) as session:
        card = tmp_path / "asound.conf"
        card.write_text(
            f'ctl.hw {{ @args [ CARD ] @args.CARD {{ type integer }} type pulse server "unix:{tmp_path}/pulse/native" }}'
        )
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "ALSA_CONFIG_PATH": str(card)}
        one_card(tmp_path)
        mixer = await find(environment, tmp_path)
        assert str(mixer) == "the ALSA control 'Master',0 of hw:0"
        assert not isinstance(mixer, Absent)
        await mixer.set_volume(40)
        assert await mixer.volume() == 40
        assert "40%" in await pactl(session, "get-sink-volume", "test")
        await mixer.set_muted(True)
        assert await pactl(session, "get-sink-mute", "test") == "Mute: yes\n"
        assert (await mixer.volume(), await mixer.muted()) == (40, True)
        await mixer.set_muted(False)
        assert await mixer.muted() is False
        assert await pactl(session, "get-sink-mute", "test") == "Mute: no\n"


async def test_a_card_without_a_switch_is_silenced_by_volume_and_remembers(tmp_path: Path):
    program, level = tmp_path / "amixer", tmp_path / "level"
    program.write_text(NO_SWITCH)
    program.chmod(0o755)
    level.write_text("60\n")
    mixer = await find_mixer({"PATH": f"{tmp_path}:{os.environ['PATH']}", "MIXER": str(level)}, one_card(tmp_path), 2)
    assert not isinstance(mixer, Absent)
    await mixer.set_muted(True)
    assert (level.read_text(), await mixer.volume(), await mixer.muted()) == ("0\n", 60, True)
    await mixer.set_volume(30)
    assert (level.read_text(), await mixer.volume()) == ("0\n", 30)
    await mixer.set_muted(False)
    assert (level.read_text(), await mixer.volume(), await mixer.muted()) == ("30\n", 30, False)


async def test_a_hung_mixer_costs_the_deadline_alone(tmp_path: Path):
    program = tmp_path / "amixer"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    absent = await find_mixer({"PATH": f"{tmp_path}:{os.environ['PATH']}"}, one_card(tmp_path), 0.2)
    assert isinstance(absent, Absent)
    assert "did not answer within" in absent.reason


async def test_a_card_that_refuses_and_a_missing_amixer_are_reasons(tmp_path: Path):
    proc = one_card(tmp_path)
    refused = await find_mixer({"PATH": os.environ["PATH"]}, proc, 2)
    assert isinstance(refused, Absent)
    assert "the mixer of the sound card hw:0 refused: amixer: Mixer attach hw:0 error: No such file" in refused.reason
    missing = await find_mixer({"PATH": str(tmp_path)}, proc, 2)
    assert missing == Absent("audio", "amixer cannot be started (No such file or directory); `apt install alsa-utils`")


def test_the_best_control_comes_first_and_what_only_records_is_none():
    assert parse_controls(PI_HEADPHONES) == [Control("'PCM',0", 50, switch=True)]
    assert parse_controls(USB_DAC) == [Control("'Digital',0", 77, switch=False), Control("'Extra',0", 30, switch=False)]
    assert parse_controls("") == []


async def test_a_folder_that_the_sandbox_closes_is_passed_over(tmp_path):
    closed = tmp_path / "user"
    closed.mkdir(mode=0o000)
    try:
        assert pulse_servers({}, tmp_path) == []
    finally:
        closed.chmod(0o700)
