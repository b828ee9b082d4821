"""Sound on a real sound server, measured where it leaves: volumes, fades, levelling, and devices that come and go. Fault D2."""

from __future__ import annotations

import asyncio
import io
import math
import subprocess
import wave
from array import array
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from player.core.content import Item, Layout, Manifest, Playlist, Rect, Region, Transition, TransitionKind
from player.core.kinds import Kind
from player.core.ports.stage import NextItem
from player.stage.regions.soundfade import gains, mpv_volume
from player.stage.video.sound import SILENCE, Sound
from tests.fakes.faults import fault_page
from tests.fakes.measured import say_again
from tests.fakes.programmes import manifest_of
from tests.stage.conftest import Running, StageBox, box_heard_at
from tests.stage.sound import RATE, TONE, SoundServer, amplitude

CLICK = 0.15 * TONE
BEGINS = RATE // 100  # the recorder's own first samples, which are no sound of ours


def tone(box: StageBox, name: str, seconds: float, hertz: int = 440, gain: float = 1.0, **more: int) -> Item:
    """A clip that sounds."""
    path = box.dirs.cache / f"{name}.mp4"
    sound = f"sine=frequency={hertz}:duration={seconds}:sample_rate=48000,volume={gain}"
    command = f"ffmpeg -v error -y -f lavfi -i color=blue:s=320x180:r=25:d={seconds} -f lavfi -i {sound} -pix_fmt yuv420p -c:a aac"
    subprocess.run([*command.split(), str(path)], check=True)
    return Item(name, f"c-{name}", name, Kind.VIDEO, 0, file=path.name, **more)


@pytest.mark.stage
async def test_item_region_and_orders_each_have_their_say_in_the_volume(runtime_dir: Path, server: SoundServer):
    await server.start()
    async with Running(box_heard_at(runtime_dir, server)) as box:

        def region(volume: int, *, audible: bool = True) -> Manifest:
            playlist = Playlist("p", "p", (tone(box, "long", 60, volume=80),))
            found = Region("main", Rect(0, 0, 100, 100), playlist, volume=volume, audible=audible)
            return manifest_of(Layout("l", 100, 100, (found,)), assets=1)

        box.publish(manifest=region(50))
        box.start()
        await box.until_shown("long")
        half = TONE * 0.4**3
        await server.until_level(half * 0.85, half * 1.15)
        box.publish(manifest=region(100))
        await box.reread()
        louder = TONE * 0.8**3
        await server.until_level(louder * 0.85, louder * 1.15)
        box.order(muted=True)
        await box.reread()
        await server.until_level(0, 0.0005)
        box.order(muted=False)
        await box.reread()
        await server.until_level(louder * 0.85, louder * 1.15)
        box.publish(manifest=region(100, audible=False))
        await box.reread()
        await server.until_level(0, 0.0005)
        assert not [f for f in box.client.status.faults if f.code == "no_audio"]


def sine() -> bytes:
    """A second of ffmpeg's sine, as a WAV file."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, 44100, 44100, "NONE", ""))
        file.writeframes(
            array("h", (round(TONE * 32767 * math.sin(2 * math.pi * 440 * n / 44100)) for n in range(44100))).tobytes()
        )
    return out.getvalue()


@pytest.mark.stage
async def test_case_5_a_page_is_heard_when_it_is_shown_as_loud_as_ordered_and_not_before(runtime_dir: Path, server: SoundServer):
    fetched = asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/tone.wav":
            fetched.set()
            return web.Response(body=sine(), content_type="audio/wav")
        return web.Response(text="<audio autoplay loop src=/tone.wav></audio>", content_type="text/html")

    await server.start()
    async with TestServer(answering(answer)) as site, Running(box_heard_at(runtime_dir, server)) as box:
        page = replace(box.page("page", str(site.make_url("/")), 60), volume=50)
        box.publish(box.picture("red", 9), page)
        box.start()
        await box.until_shown("red")
        async with asyncio.timeout(30):
            await fetched.wait()
        before: list[float] = []
        while not is_shown(box, "page"):
            heard = await server.level()
            if not is_shown(box, "page"):
                before.append(heard)
        assert all(level < 0.0005 for level in before), before
        await server.until_level(TONE * 0.4, TONE * 0.6)


def is_shown(box: StageBox, name: str) -> bool:
    return box.client.status is not None and any(item.name == name for item in box.client.status.items)


def answering(answer: Callable[[web.Request], Awaitable[web.Response]]) -> web.Application:
    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    return application


@pytest.mark.stage
async def test_a_crossfade_of_pictures_is_one_of_sound_without_a_click(runtime_dir: Path, server: SoundServer):
    await server.start()
    wrong: list[str] = []
    async with Running(box_heard_at(runtime_dir, server)) as box:
        first, second = tone(box, "low", 6, 440), tone(box, "high", 60, 1000)
        box.publish(first, second, transition=Transition(TransitionKind.CROSSFADE, 1.6))
        box.start()
        # On a machine that pauses the player the sound takes one step as high as that pause was long. So where something is wrong,
        # more fades are heard, until most of them were without.
        while not wrong or (any(wrong) and not wrong.count("") > len(wrong) / 2 and len(wrong) < 5):
            await box.until_shown("low")
            await asyncio.sleep(2.0)
            heard = await server.record(6.0)
            left = max(abs(value) for value in without(440, without(1000, heard[BEGINS:])))
            wrong.append(no_fade_from_low_to_high(heard) or (f"a click of {left:.3f}" if left >= CLICK else ""))
            if wrong[-1]:
                say_again(wrong[-1])
            await box.ask(NextItem())
    assert wrong.count("") > len(wrong) / 2, wrong


def no_fade_from_low_to_high(heard: list[float]) -> str:
    """Why it is none; empty: it is one."""
    frame = RATE // 20
    frames = [heard[at : at + frame] for at in range(0, len(heard) - frame, frame)]
    low, high = ([amplitude(part, hertz) for part in frames] for hertz in (440, 1000))
    both = sum(a > 0.1 * TONE and b > 0.1 * TONE for a, b in zip(low, high, strict=True))
    full, nothing = pytest.approx(TONE, rel=0.1), pytest.approx(0, abs=0.004)
    begin, end = ([sorted(levels[at])[2] for levels in (low, high)] for at in (slice(2, 7), slice(-7, -2)))  # the middle of five
    ends = [begin == [full, nothing], end == [nothing, full]]
    return "" if all(ends) and both >= 10 else f"first and last as they should be: {ends}; both are heard for {both / 20} s"


def without(hertz: int, samples: list[float]) -> list[float]:
    """What is left when that tone is taken out, whatever its loudness and phase; a step stays about as high as it is."""
    twice = 2 * math.cos(2 * math.pi * hertz / RATE)
    return [(a - twice * b + c) for a, b, c in zip(samples, samples[1:], samples[2:], strict=False)]


@pytest.mark.stage
async def test_d2_a_device_that_appears_is_used_from_the_next_item_and_one_that_goes_stops_nothing(
    runtime_dir: Path, server: SoundServer
):
    async with Running(box_heard_at(runtime_dir, server)) as box:
        box.publish(tone(box, "one", 2), tone(box, "two", 2))
        box.start()
        await box.until(lambda s: s.items and any(f.code == "no_audio" for f in s.faults))
        await server.start()
        await server.until_level(TONE * 0.8, TONE * 1.2)
        await box.until(lambda s: not any(f.code == "no_audio" for f in s.faults))
        before = len(box.plays())
        await server.end()
        await box.until(lambda s: any(f.code == "no_audio" for f in s.faults))
        await box.until(lambda s: s.last_play_seq >= before + 2)
        plays = box.plays()[before:]
        assert all(p["result"] == "complete" and p["duration_ms"] > 1400 for p in plays), plays
        assert not [f for f in box.client.status.faults if f.item_id]
        await server.start()
        await server.until_level(TONE * 0.8, TONE * 1.2)
        await box.until(lambda s: not any(f.code == "no_audio" for f in s.faults))


@pytest.mark.stage
async def test_the_configured_device_is_the_one_that_sounds(runtime_dir: Path, server: SoundServer):
    await server.start()
    async with Running(box_heard_at(runtime_dir, server, audio_device="pulse/two")) as box:
        box.publish(tone(box, "long", 60))
        box.start()
        await box.until_shown("long")
        await server.until_level(TONE * 0.8, TONE * 1.2, sink="two")
        assert await server.level("one") < 0.0005


@pytest.mark.stage
async def test_levelling_makes_a_whisper_and_a_shout_about_equally_loud(runtime_dir: Path, server: SoundServer):
    await server.start()
    async with Running(box_heard_at(runtime_dir, server, levelling="r128")) as box:
        box.publish(tone(box, "whisper", 60, 1000, 0.25), tone(box, "shout", 60, 1000, 6.0))
        box.start()
        await box.until_shown("whisper")
        whisper = await settled(server)
        await box.ask(NextItem())
        await box.until_shown("shout")
        shout = await settled(server)
    assert 20 * math.log10(6.0 / 0.25) > 27
    assert abs(20 * math.log10(shout / whisper)) < 4, (whisper, shout)


async def settled(server: SoundServer) -> float:
    """How loud it is a second later: the most of three times, of which a busy machine may stop one."""
    await asyncio.sleep(1.0)
    return max([await server.level() for _ in range(3)])


def test_a_fade_keeps_the_power_and_through_the_background_there_is_a_silence():
    for step in range(11):
        out, into = gains(TransitionKind.CROSSFADE, step / 10)
        assert out * out + into * into == pytest.approx(1.0)
    assert gains(TransitionKind.CROSSFADE, 0) == (1.0, 0.0)
    assert gains(TransitionKind.FADE, 0.5) == (0.0, 0.0)
    assert gains(TransitionKind.FADE, 0)[0] == 1.0
    assert gains(TransitionKind.FADE, 1) == (0.0, 1.0)
    assert [mpv_volume(80, gain) for gain in (0, 0.125, 1)] == [0, 40, 80]


def test_outputs_are_looked_for_each_time(tmp_path: Path):
    cards = tmp_path / "snd"
    faults = fault_page()
    sound = Sound("auto", "off", faults=faults, cards=cards, run=tmp_path, environment={})
    assert sound.options() == {"ao": SILENCE}
    for _ in range(2):
        sound.look([])
        assert [(fault.code, fault.count) for fault in faults.faults] == [("no_audio", 1)]
    cards.mkdir()
    (cards / "pcmC0D0p").touch()
    assert sound.options() == {"ao": "alsa,null"}
    sound.look([])
    assert faults.faults == ()
    assert Sound("auto", "off", faults=faults, cards=cards, environment={"PULSE_SERVER": "tcp:10.0.0.2"}).options() == {
        "ao": "pulse,alsa,null"
    }
    assert Sound("alsa/hdmi", "r128", faults=faults).always().keys() == {"audio_device", "af"}
