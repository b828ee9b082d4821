"""A layout from a file: what it becomes, the sentences about its mistakes, and one of six regions on a real screen."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from player.core.content import CUT, Fit, Rect, Transition, TransitionKind
from player.core.kinds import Kind
from player.errors import ConfigError, StorageError
from player.layout_file import Hosts, Taken, read_layout

HOSTS = Hosts(("youtube.com",), ())


def take_in(path: Path, kind: Kind | None) -> Taken:
    """Knows files by their suffix; a document has three pages."""
    if path.name == "absent.png":
        raise StorageError(str(path), "cannot be read: No such file or directory")
    found = {".mp4": Kind.VIDEO, ".pdf": Kind.PDF}.get(path.suffix, Kind.IMAGE)
    pages = ("p1.png", "p2.png", "p3.png") if found is Kind.PDF else ()
    return Taken(kind or found, pages[0] if pages else f"media/{path.name}", "ab" * 32, pages)


def read(folder: Path, text: str):
    path = folder / "lobby.toml"
    path.write_text(text)
    return read_layout(path, take_in, HOSTS)


FULL = """
width = 1280
height = 720
background = "#102030"

[[region]]
id = "main"
width = 960
height = 600
fit = "cover"
transition = {type = "fade", duration = 1.5}
volume = 40
output = 1

[[region.item]]
file = "film.mp4"

[[region.item]]
file = "menu.pdf"
duration = 4
transition = "wipe"

[[region]]
x = 960
audible = false
z = -1
shuffle = true

[[region.item]]
url = "https://example.com/weather"
name = "Weather"
duration = 30
fit = "stretch"
volume = 10
web = {zoom = 0.5, reload_s = 60, headers = {X-Key = "secret"}}

[[region.item]]
url = "rtsp://10.0.0.5/cam"

[[region.item]]
url = "https://example.com/live.m3u8?x=1"

[[region.item]]
url = "https://www.youtube.com/watch?v=abc"

[[region]]
y = 600
width = 960
height = 60

[[region.item]]
text = "Welcome"
speed = 0.1

[[region]]
y = 660
width = 960

[[region.item]]
type = "clock"
"""


def test_a_layout_becomes_regions_with_their_items(tmp_path: Path):
    layout = read(tmp_path, FULL)
    assert (layout.id, layout.width, layout.height, layout.background) == ("lobby", 1280, 720, "#102030")
    main, side, ticker, clock = layout.regions
    assert [region.id for region in layout.regions] == ["main", "region2", "region3", "region4"]
    assert [region.rect for region in layout.regions] == [
        Rect(0, 0, 960, 600), Rect(960, 0, 320, 720), Rect(0, 600, 960, 60), Rect(0, 660, 960, 60)
    ]  # fmt: skip
    assert [region.z for region in layout.regions] == [0, -1, 2, 3]
    assert (main.fit, main.volume, main.output, main.audible, side.audible) == (Fit.COVER, 40, 1, True, False)
    assert (main.playlist.transition, side.playlist.transition) == (Transition(TransitionKind.FADE, 1.5), CUT)
    assert (main.playlist.shuffle, side.playlist.shuffle) == (False, True)
    film, *pages = main.playlist.items
    assert (film.kind, film.duration_s, film.file, film.name, film.transition) == (
        Kind.VIDEO,
        0,
        "media/film.mp4",
        "film.mp4",
        None,
    )
    assert [(p.id, p.file, p.duration_s) for p in pages] == [("1-2", "p1.png", 4), ("1-2/2", "p2.png", 4), ("1-2/3", "p3.png", 4)]
    assert pages[2].transition == Transition(TransitionKind.WIPE, 0.6)
    weather, *streams = side.playlist.items
    assert (weather.name, weather.kind, weather.duration_s, weather.fit, weather.volume) == (
        "Weather",
        Kind.WEB,
        30,
        Fit.STRETCH,
        10,
    )
    assert (weather.web.zoom, weather.web.reload_s, weather.web.headers) == (0.5, 60, {"X-Key": "secret"})
    assert [(s.kind, s.duration_s) for s in streams] == [(Kind.LIVESTREAM, 0), (Kind.LIVESTREAM, 0), (Kind.YOUTUBE, 0)]
    assert (ticker.playlist.items[0].kind, ticker.playlist.items[0].text, ticker.playlist.items[0].speed) == (
        Kind.TICKER, "Welcome", 0.1
    )  # fmt: skip
    assert (clock.playlist.items[0].kind, clock.playlist.items[0].text) == (Kind.CLOCK, "")


ITEM = '[[region]]\n[[region.item]]\nfile = "a.png"\n'


@pytest.mark.parametrize(
    ("text", "key", "problem"),
    [
        ("width = ", "", "is not TOML"),
        ("width = " + "[" * 2000, "", "is nested too deeply"), ("width = " + "1" * 5000, "", "is not TOML"),
        ("", "region", "has no region"),
        ("[[region]]", "region[0].item", "nothing to show"),
        ('[[region]]\nwidht = 3\n[[region.item]]\nfile="a"', "region[0].widht", "there is no such key; did you mean width?"),
        (ITEM + "durration = 3", "region[0].item[0].durration", "did you mean duration?"),
        (ITEM + 'duration = "3"', "region[0].item[0].duration", "expected `float`"),
        (ITEM + "duration = -1", "region[0].item[0].duration", ">= 0"),
        (ITEM + 'transition = "fad"', "region[0].item[0].transition", 'or "wipe", found "fad"; did you mean "fade"?'),
        (ITEM + 'fit = "fill"', "region[0].item[0].fit", 'expected "contain", "cover" or "stretch", found "fill"'),
        (ITEM + "web = {zom = 2}", "region[0].item[0].web.zom", "did you mean zoom?"),
        (ITEM + 'url = "http://h/"', "region[0].item[0]", "one of file, url and text; it has file and url"),
        (ITEM.replace("file = ", "name = "), "region[0].item[0]", "it has none of them"),
        (ITEM.replace("a.png", "absent.png"), "region[0].item[0].file", "absent.png: cannot be read"),
        (ITEM.replace('file = "a.png"', 'url = "file:///etc/passwd"'), "region[0].item[0].url", 'begins with "file'),
        (ITEM.replace('file = "a.png"', 'type = "image"\nurl = "http://h/a.png"'), "region[0].item[0].url", "has a file instead"),
        (ITEM.replace('file = "a.png"', 'type = "ticker"\nurl = "http://h/"'), "region[0].item[0].url", "has a text instead"),
        (ITEM.replace("[[region]]", "[[region]]\nx = 1920"), "region[0]", "outside the layout of 1920 x 1080"),
        (ITEM.replace("[[region]]", '[[region]]\nid = "a"') * 2, "region[1].id", '"a" is the id of another region'),
        (ITEM * 9, "region", "there are 9 regions; up to 8"),
        ('background = "blue"\n' + ITEM, "background", "expected `str` matching regex"),
    ],
)  # fmt: skip
def test_a_mistake_is_a_sentence_that_names_file_and_key(tmp_path: Path, text: str, key: str, problem: str):
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert (caught.value.file, caught.value.key) == (str(tmp_path / "lobby.toml"), key)
    assert problem in caught.value.problem


def test_hosts_are_those_of_the_configuration(tmp_path: Path):
    path = tmp_path / "lobby.toml"
    path.write_text('[[region]]\n[[region.item]]\nurl = "https://tube.example/watch"')
    item = read_layout(path, take_in, Hosts(("tube.example",), ())).regions[0].playlist.items[0]
    assert item.kind is Kind.YOUTUBE
    path.write_text('[[region]]\n[[region.item]]\nurl = "rtsp://elsewhere.example/1"')
    with pytest.raises(ConfigError, match=r"stage\.stream_hosts"):
        read_layout(path, take_in, Hosts((), ("cams.example",)))


def test_a_layout_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"absent\.toml: cannot be read: No such file"):
        read_layout(tmp_path / "absent.toml", take_in, HOSTS)


SCREEN = """
width = 1200
height = 800
background = "#ff00ff"
{regions}
"""
REGION = """
[[region]]
x = {x}
y = {y}
width = 400
height = 400
fit = "stretch"
[[region.item]]
{item}
"""


@pytest.mark.stage
def test_play_shows_six_regions_of_six_kinds(tmp_path: Path):
    with tempfile.TemporaryDirectory(prefix="p-") as made:
        folder = Path(made)
        colours = material(folder)
        items = ['file = "green.png"', 'file = "blue.svg"', 'file = "red.pdf"', 'file = "film.mp4"', 'file = "site.zip"']
        items.append('type = "clock"\ntext = "%H:%M:%S"')
        places = [(x, y) for y in (0, 400) for x in (0, 400, 800)]
        regions = "".join(REGION.format(x=x, y=y, item=item) for (x, y), item in zip(places, items, strict=True))
        (folder / "lobby.toml").write_text(SCREEN.format(regions=regions))
        wrong = say(folder, "play", "lobby.toml", "green.png")
        assert (wrong.returncode, "is a layout, which is played alone" in wrong.stderr) == (2, True)
        with subprocess.Popen(command("play", "lobby.toml"), env=environment(folder), cwd=folder) as player:
            try:
                until_seen(folder, [((x + 50, y + 50), colour) for (x, y), colour in zip(places, colours, strict=False)])
            finally:
                player.terminate()
                assert player.wait(30) == 0


def material(folder: Path) -> list[tuple[int, int, int]]:
    """A file of each kind, and the colour that each is."""
    Image.new("RGB", (32, 18), "#00ff00").save(folder / "green.png")
    (folder / "blue.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path fill="#00f" d="M0 0h9v9H0"/></svg>'
    )
    Image.new("RGB", (300, 300), "#ff0000").save(folder / "red.pdf")
    film = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=white:s=64x64:r=5:d=5", "-pix_fmt", "yuv420p"]
    subprocess.run([*film, str(folder / "film.mp4")], check=True, timeout=30)
    with zipfile.ZipFile(folder / "site.zip", "w") as archive:
        archive.writestr("index.html", "<!doctype html><body style='background:#00ffff'>")
    return [(0, 255, 0), (0, 0, 255), (255, 0, 0), (255, 255, 255), (0, 255, 255)]


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "player", *words]


def environment(folder: Path) -> dict[str, str]:
    stage = {"SIGNAGE__STAGE__BACKEND": "headless", "SIGNAGE__STAGE__SIZE": "1200x800"}
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder), **stage}


def say(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*words), env=environment(folder), cwd=folder, capture_output=True, text=True, timeout=30, check=False
    )


def until_seen(folder: Path, wanted: list[tuple[tuple[int, int], tuple[int, int, int]]], seconds: float = 80.0) -> None:
    """Waits until the screen shows all of these colours at their places."""
    deadline, seen = time.monotonic() + seconds, []
    while time.monotonic() < deadline:
        seen = look(folder, [place for place, _ in wanted])
        if seen and all(
            abs(a - b) < 24 for colour, (_, hoped) in zip(seen, wanted, strict=True) for a, b in zip(colour, hoped, strict=True)
        ):
            return
        time.sleep(0.2)
    raise AssertionError(f"seen: {seen}")


def look(folder: Path, places: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """The colours at these places, [] while there is no screen."""
    display = next(iter(folder.glob("signage-play-*/run/wayland-[0-9]")), None)
    if display is None:
        return []
    where = {"PATH": os.environ["PATH"], "WAYLAND_DISPLAY": str(display), "XDG_RUNTIME_DIR": str(display.parent)}
    if subprocess.run(["grim", str(folder / "now.png")], env=where, capture_output=True, timeout=60, check=False).returncode:
        return []
    with Image.open(folder / "now.png") as picture:
        shown = picture.convert("RGB")
        return [shown.getpixel(place) for place in places]
