"""Test content with the strip of `strip` along its upper and lower edge: clips in what signage is made of, pictures, and a page."""

from __future__ import annotations

import functools
import http.server
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from scripts.benches.seams import Made
from scripts.benches.strip import CELLS, levels

ITEM_S = 1.5
SHARE = 15  # the strip is a fifteenth of the height
_ENCODE_S = 120
_CODECS = {
    "h264": ("libx264", "-preset", "veryfast", "-crf", "20"),
    "hevc": ("libx265", "-preset", "ultrafast", "-crf", "24", "-x265-params", "log-level=none", "-tag:v", "hvc1"),
    "vp9": ("libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "2M"),
}


@dataclass(frozen=True, slots=True)
class Coded:
    """One item of test content. `kind` video, image or web; `path` is a file, or for a page its name on the server."""

    number: int
    kind: str
    path: Path
    made: Made
    sound: bool = False


@dataclass(frozen=True, slots=True)
class Clip:
    """What a clip is like: codec, size, frames a second, its length in seconds, and whether it has sound."""

    codec: str
    width: int
    height: int
    rate: int
    seconds: float = ITEM_S
    sound: bool = False

    @property
    def name(self) -> str:
        """For tables and files."""
        return f"{self.codec}-{self.height}p{self.rate}" + (f"-{self.seconds:g}s" if self.seconds != ITEM_S else "")


CLIPS = (
    Clip("h264", 1280, 720, 30),
    Clip("h264", 1920, 1080, 30, sound=True),
    Clip("hevc", 1920, 1080, 30),
    Clip("vp9", 960, 540, 25),
)


def clip(folder: Path, number: int, like: Clip) -> Coded:
    """Encodes it, once a folder: a moving test picture with sound, if wanted, and the strip over it."""
    frames = round(like.seconds * like.rate)
    path = folder / f"{number}-{like.name}.{'webm' if like.codec == 'vp9' else 'mp4'}"
    if not path.exists():
        part = path.with_stem(path.stem + "-part")
        code = b"".join(bytes(levels(number, frame)) for frame in range(frames))
        subprocess.run(_encoding(like, frames, part), input=code, check=True, timeout=_ENCODE_S)
        if like.sound:
            _add_sound(part, frames / like.rate)
        part.rename(path)
    return Coded(number, "video", path, Made(like.name, 1 / like.rate, frames), like.sound)


def _encoding(like: Clip, frames: int, path: Path) -> list[str]:
    width, height, rate = like.width, like.height, like.rate
    strip = f"[1]scale={width}:{height // SHARE}:flags=neighbor,split[top][bottom]"
    over = f"[0][top]overlay=0:0[with];[with][bottom]overlay=0:{height - height // SHARE}"
    return [
        *(
            "ffmpeg",
            "-v",
            "error",
            "-y",
            "-f",
            "lavfi",
            "-i",
            f"testsrc2=size={width}x{height}:rate={rate}:duration={frames / rate}",
        ),
        *("-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{CELLS}x1", "-r", str(rate), "-i", "-"),
        *("-filter_complex", f"{strip};{over}", "-frames:v", str(frames), "-pix_fmt", "yuv420p", *("-c:v", *_CODECS[like.codec])),
        str(path),
    ]


def _add_sound(path: Path, seconds: float) -> None:
    """A tone as long as the picture."""
    silent = path.with_stem(path.stem + "-silent")
    path.rename(silent)
    command = ["ffmpeg", "-v", "error", "-y", "-i", str(silent), "-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}"]
    subprocess.run([*command, "-c:v", "copy", "-c:a", "aac", str(path)], check=True, timeout=_ENCODE_S)
    silent.unlink()


def picture(folder: Path, number: int, suffix: str, size: tuple[int, int] = (1920, 1080)) -> Coded:
    """A PNG or JPEG with noise in its middle, so that decoding it is work."""
    path = folder / f"{number}-{size[1]}.{suffix}"
    if not path.exists():
        image = Image.effect_noise(size, 60).convert("RGB")
        _draw(image, number)
        image.save(path)
    return Coded(number, "image", path, Made(f"{suffix}-{size[1]}"))


def _draw(image: Image.Image, number: int) -> None:
    pen, band = ImageDraw.Draw(image), image.height // SHARE
    for cell, level in enumerate(levels(number, 0)):
        left, right = cell * image.width // CELLS, (cell + 1) * image.width // CELLS - 1
        for top in (0, image.height - band):
            pen.rectangle((left, top, right, top + band - 1), fill=(level, level, level))


def page(folder: Path, number: int) -> Coded:
    """A page that counts the browser's frames in its strip."""
    path = folder / f"{number}-page.html"
    path.write_text(_PAGE.replace("NUMBER", str(number)), encoding="utf-8")
    return Coded(number, "web", path, Made("page", 1 / 60))


def mixed(folder: Path) -> list[Coded]:
    """One of each: four clips, two pictures, a page; their numbers are their places."""
    clips = [clip(folder, number, like) for number, like in enumerate(CLIPS)]
    return [*clips, picture(folder, 4, "png"), picture(folder, 5, "jpg"), page(folder, 6)]


def every_pair(count: int) -> list[int]:
    """A round through 0 … count-1 in which each follows each other exactly once (an Eulerian circuit), the last joins the first."""
    left = {a: [b for b in reversed(range(count)) if b != a] for a in range(count)}
    trail, path = [0], []
    while trail:
        if left[trail[-1]]:
            trail.append(left[trail[-1]].pop())
        else:
            path.append(trail.pop())
    return path[::-1][:-1]


def known(items: Sequence[Coded]) -> dict[int, Made]:
    """What the analysis has to know of them."""
    return {item.number: item.made for item in items}


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A web server for the page; gives its address without a slash at its end."""
    with answering(functools.partial(_Quiet, directory=str(folder))) as url:
        yield url


@contextmanager
def answering(handler: Callable[..., http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    """A web server of such handlers; gives its address without a slash at its end."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="server")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """The table is what is printed."""


_PAGE = """<!doctype html><meta charset="utf-8"><title>strip</title>
<style>html, body { margin: 0; background: #345; overflow: hidden } #top { top: 0 } #bottom { bottom: 0 }
p { font: 8vh sans-serif; color: #fff; text-align: center }
canvas { position: fixed; left: 0; width: 100vw; height: 6.6667vh }</style>
<canvas id="top" width="1280" height="1"></canvas><p>page <span>0</span></p><canvas id="bottom" width="1280" height="1"></canvas>
<script>
const number = NUMBER, said = document.querySelector("span");
const pens = [...document.querySelectorAll("canvas")].map(canvas => canvas.getContext("2d"));
const bits = (n, width) => [...n.toString(2).padStart(width, "0")].map(Number);
let frame = 0;
function draw() {
  const checksum = (number * 31 + frame * 17 + 21) % 64, own = [0, 1, 2, 3, 4, 5, 6, 7].map(n => n === number ? 1 : 0);
  const cells = [1, 0, 1, 0, ...bits(number, 4), ...bits(frame, 10), ...bits(checksum, 6), ...own];
  for (const pen of pens) cells.forEach((bit, cell) => {
    pen.fillStyle = bit ? "#fff" : "#000";
    pen.fillRect(cell * 40, 0, 40, 1);
  });
  said.textContent = frame;
  frame = (frame + 1) % 1024;
  requestAnimationFrame(draw);
}
draw();
</script>
"""
