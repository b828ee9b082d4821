"""libmpv on the real screen: what plays, what is refused before it reaches for anything, and what is given up in time."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image

from player.core.kinds import Kind
from player.core.ports.screen import Playable
from player.errors import ContentError
from player.media.filetype import VIDEOS, sniff
from player.media.prepare.parent import prepare
from player.stage.video.mpv import LOAD_LIMIT_S, STALL_S, MpvSurface
from player.stage.video.options import options_for, stream_options
from tests.fakes.running import eventually, free_port, listens_at
from tests.fakes.way_out import STRAIGHT
from tests.stage import hostile
from tests.stage.video.conftest import (
    BLACK,
    LIME,
    LOAD_S,
    RED,
    SIZE,
    STILL_S,
    Open,
    Window,
    colour,
    encode,
    near,
    now,
    playable,
)

pytestmark = [pytest.mark.stage, pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture(scope="module")
def media() -> Iterator[Path]:
    """`cache/good.mp4` (two seconds of lime), and outside the cache another clip."""
    folder = Path(tempfile.mkdtemp(prefix="s-media-"))
    (folder / "cache").mkdir()
    encode(folder / "cache/good.mp4", *colour("lime", 2))
    encode(folder / "outside.mp4", *colour("red", 2))
    yield folder
    shutil.rmtree(folder)


@pytest_asyncio.fixture(loop_scope="module")
async def witness() -> AsyncIterator[hostile.Witness]:
    made = hostile.Witness()
    await made.listen()
    yield made
    made.close()


def stream(url: str) -> Playable:
    return playable(url, Kind.LIVESTREAM, "stream")


async def refusal(surface: MpvSurface, what: Playable) -> ContentError:
    with pytest.raises(ContentError) as caught:
        await surface.load(what)
    return caught.value


# --- what plays


async def test_a_clip_is_drawn_when_it_is_loaded_stands_until_started_and_ends_when_it_was_shown(window: Window, media: Path):
    await window.surface.load(playable(media / "cache/good.mp4"))
    assert near(await window.seen(), LIME), "drawn, before it was started"
    assert window.surface.duration_s() == pytest.approx(2.0, abs=0.1)
    began = now()
    window.surface.start()
    async with asyncio.timeout(20):
        await window.surface.ended()
    assert now() - began >= 1.7, "not before its last frame was shown"
    assert near(await window.seen(), LIME), "the last frame stands"
    await window.surface.unload()


async def test_a_clip_begins_where_it_is_to_and_the_next_one_at_its_beginning(window: Window, tmp_path: Path):
    """One key frame at the beginning, so that every frame between has to be decoded; the colour changes after a second."""
    parts = ("-f", "lavfi", "-i", "color=red:s=320x180:r=25:d=1", "-f", "lavfi", "-i", "color=lime:s=320x180:r=25:d=2")
    clip = encode(
        tmp_path / "two.mp4", *parts, "-filter_complex", "concat=n=2", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "999"
    )
    await window.surface.load(playable(clip, begin_s=2.0))
    assert near(await window.seen(), LIME), "its first frame is one from the middle"
    assert await window.surface.call(threads) == 4, "it is decoded as fast as can be until there"
    window.surface.start()
    async with asyncio.timeout(20):
        await window.surface.ended()
    await window.surface.unload()
    await window.surface.load(playable(clip))
    assert near(await window.seen(), RED)
    assert await window.surface.call(threads) == 2
    await window.surface.unload()


def threads(handle: Any) -> int:
    """How many a decoder has that begins now."""
    return int(handle["vd-lavc-threads"])


async def test_a_surface_is_used_again_and_remembers_nothing_of_what_it_showed(window: Window, media: Path):
    for _ in range(2):
        await window.surface.load(playable(media / "cache/good.mp4"))
        assert near(await window.seen(), LIME)
        await window.surface.unload()
        await window.surface.load(playable(media / "outside.mp4"))
        assert near(await window.seen(), RED)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await window.surface.ended()
        await window.surface.unload()


@pytest.mark.parametrize(
    ("size", "fit", "side", "top"),
    [("180x320", "contain", BLACK, LIME), ("180x320", "stretch", LIME, LIME), ("180x320", "cover", LIME, LIME),
     ("321x179", "stretch", LIME, LIME), ("17x13", "stretch", LIME, LIME), ("640x90", "contain", LIME, BLACK)],
)  # fmt: skip
async def test_c18_portrait_and_odd_sizes_fill_the_window_as_asked(window: Window, tmp_path: Path, size: str, fit: str, side, top):
    words = [word for word in colour("lime", 0.4, size) if word not in ("-pix_fmt", "yuv420p")]
    clip = encode(tmp_path / "odd.mp4", *words, "-pix_fmt", "yuv444p")
    await window.surface.load(playable(clip, fit=fit))
    await window.until_seen(LIME)
    assert near(await window.seen((20, 180)), side)
    assert near(await window.seen((320, 12)), top)
    await window.surface.unload()


async def test_a_clip_that_runs_late_is_shown_to_its_last_frame(open_window: Open, media: Path):
    slow = await open_window(speed=0.5)
    await slow.surface.load(playable(media / "cache/good.mp4"))
    began = now()
    slow.surface.start()
    async with asyncio.timeout(20):
        await slow.surface.ended()
    assert now() - began >= 3.8, "two seconds of clip at half the speed"


async def test_c18_a_video_of_one_frame_ends_by_itself(window: Window, tmp_path: Path):
    await window.surface.load(playable(encode(tmp_path / "one.mp4", *colour("lime", 0.04))))
    window.surface.start()
    async with asyncio.timeout(20):
        await window.surface.ended()
    await window.surface.unload()


async def test_c18_sound_without_a_picture_is_refused_at_once(window: Window, tmp_path: Path):
    sound = encode(tmp_path / "sound.mp4", "-f", "lavfi", "-i", "sine=d=2", "-c:a", "aac")
    error = await refusal(window.surface, playable(sound))
    assert (error.code, error.reason) == ("no_picture", "it holds sound and no picture"), "and not a timeout"
    await window.surface.unload()


async def test_c18_an_animation_runs_round_and_round_as_a_picture_and_is_no_video(window: Window, tmp_path: Path):
    source = ("-f", "lavfi", "-i", "color=red:s=64x64:r=5:d=0.8", "-f", "lavfi", "-i", "color=lime:s=64x64:r=5:d=0.8")
    gif = encode(tmp_path / "moving.gif", *source, "-filter_complex", "concat=n=2", "-loop", "-1")
    await window.surface.load(playable(gif, Kind.IMAGE, fit="stretch"))
    window.surface.start()
    for wanted in (LIME, RED, LIME):
        await window.until_seen(wanted)
    await window.surface.unload()
    assert (await refusal(window.surface, playable(gif))).code == "unplayable"


async def test_c11_what_lies_beside_a_file_is_not_loaded(window: Window, witness: hostile.Witness, tmp_path: Path, media: Path):
    clip = tmp_path / "side.mp4"
    shutil.copy(media / "cache/good.mp4", clip)
    beside = [tmp_path / f"side.{suffix}" for suffix in ("srt", "en.ass", "mka", "wav", "mp4.conf", "jpg")] + [
        tmp_path / "cover.jpg"
    ]
    for path in beside:
        path.write_text("1\n00:00:00,000 --> 00:00:05,000\nhello\n")
        witness.watch(path)
    witness.watch(clip)
    await window.surface.load(playable(clip))
    assert witness.opened() == {"side.mp4"}
    await window.surface.unload()


# --- what is refused


async def test_c10_the_witness_sees_what_an_open_player_does(witness: hostile.Witness, tmp_path: Path, media: Path):
    """Without our options the payloads reach out; were it otherwise, the tests below would show nothing."""
    import mpv

    witness.watch(media / "outside.mp4")
    handle = mpv.MPV(vo="null", ao="null", ytdl=False, idle=True, terminal=False, load_unsafe_playlists=True)
    try:
        for name in ("m3u-absolute", "edl-file", "m3u-http"):
            path = tmp_path / f"{name}.mp4"
            hostile.write(name, path, outside=media / "outside.mp4", beside=media / "cache/good.mp4", port=witness.port)
            handle.command("loadfile", str(path))
            if "http" in name:
                await eventually(lambda: witness.connections)
            else:
                await eventually(lambda: "outside.mp4" in witness.opened())
    finally:
        handle.terminate()


@pytest.mark.parametrize("name", hostile.NAMES)
async def test_c10_a_video_that_is_something_else_is_refused_and_reaches_nothing(
    window: Window, witness: hostile.Witness, media: Path, name: str
):
    path = media / f"cache/{name}.mp4"
    hostile.write(name, path, outside=media / "outside.mp4", beside=media / "cache/good.mp4", port=witness.port)
    for watched in (media / "outside.mp4", media / "cache/good.mp4"):
        witness.watch(watched)
    for kind in (Kind.VIDEO, Kind.IMAGE) if name not in ("ffconcat-beside", "sdp", "tar", "zip") else (Kind.VIDEO,):
        error = await refusal(window.surface, playable(path, kind))
        assert error.code in ("unplayable", "no_picture", *(["empty"] if name == "empty" else [])), "and not a timeout"
        await window.surface.unload()
    await asyncio.sleep(0.05)
    assert witness.opened() == set()
    assert witness.connections == 0
    path.unlink()


async def test_c10_a_real_video_plays_after_all_of_these(window: Window, media: Path):
    await window.surface.load(playable(media / "cache/good.mp4"))
    assert near(await window.seen(), LIME)
    await window.surface.unload()


@pytest.mark.parametrize("address", hostile.ADDRESSES)
async def test_c9_an_address_with_another_scheme_is_refused_before_mpv_sees_it(address: str):
    for kind in (Kind.LIVESTREAM, Kind.YOUTUBE, Kind.WEB, Kind.PACKAGE):
        with pytest.raises(ContentError) as caught:
            options_for(playable(address, kind), STRAIGHT)
        assert caught.value.code == "bad_url"


async def test_c9_the_surface_refuses_such_an_address_too(window: Window, witness: hostile.Witness):
    for url in (f"tcp://127.0.0.1:{witness.port}", f"lavf://http://127.0.0.1:{witness.port}/", "memory://x", "/etc/hostname"):
        assert (await refusal(window.surface, stream(url))).code == "bad_url"
    assert witness.connections == 0


@pytest.mark.parametrize("scheme", ["http", "https", "rtsp", "rtmp", "udp", "rtp", "srt"])
async def test_c9_a_stream_may_speak_its_own_protocols_and_read_no_file(scheme: str):
    allowed = stream_options(f"{scheme}://host/x", STRAIGHT)["demuxer-lavf-o"]
    protocols, formats = (part.partition("=[")[2].rstrip("]").split(",") for part in allowed.split("],"))
    assert not {"file", "concat", "subfile", "pipe", "data", "fd"} & set(protocols)
    assert not {"concat", "ffconcat", "lavfi", "image2"} & set(formats)
    assert scheme != "https" or "http" not in protocols, "https is never downgraded"


@pytest.mark.parametrize(
    "name",
    ["a,stream-record=PWNED.mp4", "a,sub-files=x.srt.mp4", "[a]{b}%20%n.mp4", "%5%hello.mp4", "--fullscreen.mp4", "-.mp4",
     "a\nb.mp4", "a;touch PWNED.mp4", "$(touch PWNED).mp4", "a'b\"c.mp4", "ü ﷽ 猫.mp4"],
)  # fmt: skip
async def test_k5_names_are_names_whatever_they_look_like(window: Window, tmp_path: Path, media: Path, name: str):
    clip = tmp_path / name
    shutil.copy(media / "cache/good.mp4", clip)
    with contextlib.chdir(tmp_path):
        await window.surface.load(playable(clip, name=f"Menu,stream-record={tmp_path}/PWNED.mp4,{name}"))
        assert near(await window.seen(), LIME)
        window.surface.start()
        await asyncio.sleep(0.1)
        await window.surface.unload()
        assert os.listdir(tmp_path) == [name]  # noqa: PTH208 - names as they are, without a path's view of them


@pytest.mark.parametrize("keep", [0, 40, 1000, 0.5, 0.95])
async def test_c1_a_truncated_file_is_refused_at_once_or_plays_as_far_as_it_goes(
    window: Window, tmp_path: Path, media: Path, keep: float
):
    whole = (media / "cache/good.mp4").read_bytes()  # its index lies at the end
    (tmp_path / "cut.mp4").write_bytes(whole[: int(keep if keep > 1 else keep * len(whole))])
    assert (await refusal(window.surface, playable(tmp_path / "cut.mp4"))).code == "unplayable", "and not a timeout"
    await window.surface.unload()


async def test_c1_a_file_whose_end_is_missing_plays_to_there_and_ends(window: Window, tmp_path: Path):
    whole = encode(tmp_path / "whole.mp4", *colour("lime", 3), "-movflags", "+faststart").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) * 3 // 4])
    await window.surface.load(playable(tmp_path / "cut.mp4"))
    window.surface.start()
    with contextlib.suppress(ContentError):
        async with asyncio.timeout(20):
            await window.surface.ended()
    await window.surface.unload()


async def test_a_file_that_is_not_there_is_refused_at_once(window: Window, tmp_path: Path):
    assert (await refusal(window.surface, playable(tmp_path / "gone.mp4"))).code == "unplayable"
    assert (await refusal(window.surface, playable(tmp_path / "gone.png", Kind.IMAGE))).code == "missing"


# --- what is given up in time


async def test_c5_c6_the_deadlines_in_use():
    assert LOAD_LIMIT_S <= 10
    assert 2 * STALL_S <= 10


async def test_c5_a_pipe_in_place_of_a_file_ends_at_the_deadline_and_another_surface_takes_over(
    open_window: Open, tmp_path: Path, media: Path
):
    pipe = tmp_path / "pipe.mp4"
    os.mkfifo(pipe)
    stuck, other = await open_window(2 * LOAD_S), await open_window()
    async with asyncio.TaskGroup() as group:
        hanging = group.create_task(refusal(stuck.surface, playable(pipe)), name="load")
        await asyncio.sleep(0.5)
        await other.surface.load(playable(media / "cache/good.mp4"))
        assert not hanging.done(), "one that hangs holds up no other"
    assert hanging.result().code == "timeout"
    with contextlib.suppress(ContentError):
        await stuck.surface.unload()
    with contextlib.suppress(OSError):
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))  # lets go of whoever still waits to open it


async def test_n5_a_server_that_accepts_and_says_nothing_is_given_up(open_window: Open):
    stuck = await open_window(LOAD_S)
    silent = await asyncio.start_server(_say_nothing, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    error = await refusal(stuck.surface, stream(f"http://127.0.0.1:{port}/live.m3u8"))
    assert error.code in ("timeout", "unplayable")
    await stuck.surface.unload()
    silent.close()


async def _say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


# --- streams


class Files:
    """A web server for a folder of a stream's parts. `gone` answers nothing any more."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.port = folder, 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            path = (await reader.readuntil(b"\r\n\r\n")).decode().split()[1]
            file = self._folder / path.lstrip("/")
            body = await asyncio.to_thread(lambda: file.read_bytes() if file.exists() else b"")
            status = "200 OK" if body else "404 Not Found"
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
            await writer.drain()
        writer.close()


@pytest_asyncio.fixture(loop_scope="module")
async def hls(tmp_path: Path) -> AsyncIterator[str]:
    """The address of a folder with `all.m3u8` (three seconds, complete) and `live.m3u8` (the same, without its end)."""
    encode(tmp_path / "all.m3u8", *colour("lime", 3), "-f", "hls", "-hls_time", "1", "-hls_list_size", "0")
    (tmp_path / "live.m3u8").write_text((tmp_path / "all.m3u8").read_text().replace("#EXT-X-ENDLIST", ""))
    files = Files(tmp_path)
    server = await asyncio.start_server(files.serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


async def test_an_hls_stream_plays_and_its_end_is_a_fault_of_the_stream(window: Window, hls: str):
    await window.surface.load(stream(f"{hls}/all.m3u8"))
    await window.until_seen(LIME)
    assert window.surface.duration_s() is None
    window.surface.start()
    with pytest.raises(ContentError) as caught:
        async with asyncio.timeout(20):
            await window.surface.ended()
    assert caught.value.code == "stream_ended"
    await window.surface.unload()


async def test_c6_a_stream_that_stops_coming_is_noticed(window: Window, hls: str):
    await window.surface.load(stream(f"{hls}/live.m3u8"))
    window.surface.start()
    with pytest.raises(ContentError) as caught:
        async with asyncio.timeout(30):
            await window.surface.ended()
    assert caught.value.code in ("stalled", "stream_ended")
    await window.surface.unload()


async def test_c6_standing_still_on_purpose_is_no_stall(window: Window, media: Path):
    await window.surface.load(playable(media / "cache/good.mp4"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(2 * STILL_S + 0.5):
            await window.surface.ended()
    await window.surface.unload()


@contextlib.contextmanager
def sending(*words: str) -> Iterator[None]:
    process = subprocess.Popen(
        ["ffmpeg", "-v", "quiet", "-re", "-f", "lavfi", "-i", "sine=d=20", *colour("lime", 20), "-tune", "zerolatency", *words]
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()


async def test_an_ip_cameras_pictures_are_a_stream(window: Window):
    """`multipart/x-mixed-replace`: one JPEG after another, without an end."""
    picture = io.BytesIO()
    Image.new("RGB", (320, 180), "lime").save(picture, "JPEG")
    part = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(picture.getvalue())

    async def camera(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n")
            while True:
                writer.write(part + picture.getvalue() + b"\r\n")
                await writer.drain()
                await asyncio.sleep(0.1)
        writer.close()

    server = await asyncio.start_server(camera, "127.0.0.1", 0)
    async with asyncio.timeout(20):
        await window.surface.load(stream(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/video"))
        await window.until_seen(LIME)
    await window.surface.unload()
    server.close()


@pytest.mark.parametrize(
    ("name", "words"),
    [("film.mpg", ("-c:v", "mpeg2video")), ("film.wmv", ("-c:v", "wmv2")), ("film.ogv", ("-c:v", "libtheora", "-q:v", "8")),
     ("film.flv", ("-c:v", "flv")), ("film.m2v", ("-c:v", "mpeg2video"))],
)  # fmt: skip
async def test_every_container_that_the_gate_lets_in_plays(window: Window, tmp_path: Path, name: str, words: tuple[str, ...]):
    source = ("-f", "lavfi", "-i", "color=lime:s=320x180:r=25:d=1")
    await asyncio.to_thread(subprocess.run, ["ffmpeg", "-v", "error", *source, *words, str(tmp_path / name)], check=True)
    assert sniff((tmp_path / name).read_bytes()) in VIDEOS
    await window.surface.load(playable(tmp_path / name))
    assert near(await window.seen(), LIME)
    await window.surface.unload()


@pytest.mark.parametrize(
    "behind",
    [bytes.fromhex("38646f94534546480000000b") + bytes(20), b"\n<br />\n<b>Warning</b>:  Cannot modify header information"],
    ids=["a camera's trailer", "a web server's warning"],
)
async def test_case_9_a_film_with_something_behind_it_is_shown_to_its_end(window: Window, tmp_path: Path, behind: bytes):
    film = encode(tmp_path / "film.mp4", *colour("lime", 1))
    film.write_bytes(film.read_bytes() + behind)
    ready = await prepare(film, Kind.VIDEO, "film", tmp_path, SIZE)
    await window.surface.load(playable(ready.file))
    window.surface.start()
    async with asyncio.timeout(20):
        await window.surface.ended()
    assert near(await window.seen(), LIME)
    await window.surface.unload()


async def test_an_mpegts_stream_over_udp_plays(open_window: Open):
    window = await open_window()
    url = f"udp://127.0.0.1:{free_port(socket.SOCK_DGRAM)}"
    with sending("-f", "mpegts", f"{url}?pkt_size=1316"):
        await window.surface.load(stream(url))
    await window.show()
    await window.until_seen(LIME)
    await window.surface.unload()


async def test_an_rtmp_stream_plays(open_window: Open):
    window = await open_window()
    port = free_port()
    url = f"rtmp://127.0.0.1:{port}/live/x"
    with sending("-c:a", "aac", "-f", "flv", "-listen", "1", url):
        await eventually(lambda: listens_at(port))
        await window.surface.load(stream(url))
    await window.show()
    await window.until_seen(LIME)
    await window.surface.unload()
