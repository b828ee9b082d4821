"""Running text and clocks on a real screen: where they lie, how they move, what they say, and what changes while they run."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from player.compositor.sway import Sway
from player.core.brief import Alert, Severity
from player.core.content import Item, Layout, Playlist, Rect, Region
from player.core.kinds import Kind
from player.core.ports.screen import Playable
from player.errors import BoxError, ContentError
from player.stage.drawn.bands import Style, draw_band, draw_clock
from player.stage.drawn.surface import DrawnSurface
from player.stage.drawn.ticker import LONGEST_STEP_S, Ticker
from player.stage.wayland.window import SharedPicture, WindowClient
from tests.conftest import Look
from tests.e2e.player_box import until
from tests.fakes.programmes import manifest_of
from tests.stage.conftest import StageBox

pytestmark = pytest.mark.stage

BAR = Rect(200, 640, 880, 60)
INK, GROUND = (246, 250, 252), (0, 0, 128)
PLAIN = (0x20, 0x20, 0x20)  # of the screen behind all windows
STYLE = Style((BAR.width, BAR.height), GROUND, INK)
NOON = datetime(2026, 3, 25, 11, 59, 58, 700_000, tzinfo=UTC)

Put = Callable[..., Awaitable[DrawnSurface]]


class Watch:
    """A clock that runs on from `begin`; while it is `stopped` it says that."""

    def __init__(self, begin: datetime, *, stopped: bool = False) -> None:
        self.begin, self.started = begin, None if stopped else time.monotonic()

    def __call__(self) -> datetime:
        return self.begin if self.started is None else self.begin + timedelta(seconds=time.monotonic() - self.started)


@pytest.fixture
async def client(sway: Sway) -> AsyncIterator[WindowClient]:
    found = WindowClient(sway.session.wayland_display)
    yield found
    found.close()


@pytest.fixture
async def put(sway: Sway, client: WindowClient) -> AsyncIterator[Put]:
    """Loads an item into a surface of its own and shows it, as a region would."""
    kept: list[DrawnSurface] = []  # a window that nobody holds is destroyed

    async def show(item: Item, target: str = "", *, rect: Rect = BAR, now: Callable[[], datetime] | None = None, run: bool = True):
        surface = await DrawnSurface.create(client, f"sig-drawn-{len(kept)}", (rect.width, rect.height), now or Watch(NOON))
        kept.append(surface)
        window = await appeared(sway, surface.app_id)
        await sway.place(window, rect)
        await surface.load(Playable(item, target, (rect.width, rect.height), background="#000080"))
        if run:
            surface.start()
        await sway.swap(window, None)
        return surface

    yield show
    for surface in kept:
        await surface.unload()


async def appeared(sway: Sway, app_id: str) -> int:
    async def there() -> int | None:
        return next((window.id for window in await sway.windows() if window.app_id == app_id), None)

    return await until(f"the window {app_id}", there)


def ticker(text: str = "Welcome to the market hall, open until eight", speed: float | None = 0.25, **more: object) -> Item:
    return Item("t", "t", "Ticker", Kind.TICKER, 60, text=text, speed=speed, **more)  # type: ignore[arg-type]


def clock(form: str | None) -> Item:
    return Item("c", "c", "Clock", Kind.CLOCK, 60, text=form)


def part(picture: Image.Image, rect: Rect = BAR) -> Image.Image:
    return picture.crop((rect.x, rect.y, rect.x + rect.width, rect.y + rect.height))


def pixels(picture: SharedPicture) -> Image.Image:
    """What is in shared memory."""
    with open(f"/proc/self/fd/{picture.handle}", "rb") as memory:  # noqa: PTH123 - a handle, not a path
        return Image.frombytes(
            "RGB", (picture.width, picture.height), memory.read(picture.width * picture.height * 4), "raw", "BGRX"
        )


def same(one: Image.Image, other: Image.Image) -> bool:
    return ImageChops.difference(one, other).getbbox() is None


def place_in(band: Image.Image, seen: Image.Image) -> int | None:
    """Where in the band a view lies."""
    wanted = seen.crop((0, 30, seen.width, 31)).tobytes()
    line = band.crop((0, 30, band.width, 31)).tobytes()
    at = line.find(wanted)
    while at >= 0:
        if at % 3 == 0 and same(band.crop((at // 3, 0, at // 3 + seen.width, seen.height)), seen):
            return at // 3
        at = line.find(wanted, at + 1)
    return None


def begin_of(lines: tuple[str, ...], style: Style = STYLE) -> Image.Image:
    """A band's first view."""
    band = draw_band(lines, style)
    return pixels(band.picture).crop((band.x(0), 0, band.x(0) + style.size[0], style.size[1]))


# --- tickers


async def test_a_ticker_lies_exactly_in_its_rectangle_and_moves_along_its_band(put: Put, look: Look):
    text = "Welcome to the market hall, open until eight, and on Sundays until six for everyone who likes it"
    band = pixels(draw_band((text,), STYLE).picture)
    surface = await put(ticker(text, speed=0.05))
    seen = []
    for _ in range(4):
        seen.append(await look())
        await asyncio.sleep(0.3)
    places = [place_in(band, part(picture)) for picture in seen]
    assert None not in places, places
    assert places == sorted(places), f"never back: {places}"
    assert places[0] < places[-1], "it moves left"
    hole = Image.new("RGB", (BAR.width, BAR.height), PLAIN)
    for picture in seen:
        picture.paste(hole, (BAR.x, BAR.y))
        assert same(picture, Image.new("RGB", picture.size, PLAIN)), "nothing is drawn outside of the rectangle"
    await surface.close()


async def test_a_ticker_is_joined_end_to_start_and_runs_on_for_ever(put: Put, look: Look):
    band = draw_band(("Short",), STYLE)
    assert band.period == BAR.width, "what is shorter than the region is as long as the region"
    whole = pixels(band.picture)
    assert same(whole.crop((0, 0, BAR.width, 60)), whole.crop((band.period, 0, band.period + BAR.width, 60)))
    await put(ticker("Short", speed=1.0))
    places: list[int | None] = []

    async def came_round() -> bool:
        places.append(place_in(whole, part(await look())))
        assert places[-1] is not None
        return any(after < before for before, after in itertools.pairwise(places))

    await until("it comes round", came_round)


class FakeWindow:
    """Keeps what a ticker shows of its band: from which column."""

    def __init__(self) -> None:
        self.columns: list[int] = []
        self.on_frame: Callable[[int], None] = lambda _: None

    def take(self, picture: SharedPicture) -> None: ...

    def show(self, x: int, _: int, *, frames: bool = False) -> None:
        assert frames or not self.columns, "what runs asks for the next frame"
        self.columns.append(x)


async def test_a_ticker_moves_by_the_time_between_frames_and_catches_up_with_no_time_that_it_stood():
    window = FakeWindow()
    running = Ticker(window, lambda: ("Welcome to the market hall, open until eight",), STYLE, 0.25)  # type: ignore[arg-type]
    await running.load()
    running.start()
    for at_ms in range(5000, 6001, 20):
        window.on_frame(at_ms)
    a_second = 0.25 * BAR.width
    assert window.columns[-1] - window.columns[0] == pytest.approx(a_second, abs=1)
    window.on_frame(8000)
    whole = a_second + LONGEST_STEP_S * a_second
    assert window.columns[-1] - window.columns[0] == pytest.approx(whole, abs=1), "the compositor skipped two seconds"
    running.pause()
    before = len(window.columns)
    window.on_frame(8020)
    assert len(window.columns) == before
    running.start()
    window.on_frame(20_000)
    assert set(window.columns[before - 1 :]) == {window.columns[before - 1]}, "it goes on from there"
    running.close()


async def test_a_paused_ticker_stands_and_goes_on_from_there(put: Put, look: Look):
    text = "Welcome to the market hall, open until eight, and on Sundays until six for everyone who likes it"
    band = pixels(draw_band((text,), STYLE).picture)
    surface = await put(ticker(text, speed=0.05))
    await asyncio.sleep(0.5)
    surface.pause()
    before = await stands(look)
    there = place_in(band, part(before))
    assert there is not None
    await asyncio.sleep(0.4)
    assert same(before, await look())
    surface.start()

    async def moved_on() -> bool:
        on = place_in(band, part(await look()))
        assert on is not None
        return there < on

    await until("it goes on", moved_on)


async def stands(look: Look) -> Image.Image:
    """What the screen shows, once it shows the same a fifth of a second later."""
    seen: list[Image.Image] = [await look()]

    async def is_same() -> bool:
        seen.append(await look())
        return same(seen[-2], seen[-1])

    await until("nothing moves", is_same, pause_s=0.2)
    return seen[-1]


async def test_text_of_right_to_left_scripts_runs_the_other_way(put: Put, look: Look):
    text = "مرحبا بكم في سوق المدينة، مفتوح حتى الثامنة مساء كل يوم من أيام الأسبوع"
    band = draw_band((text, "שלום"), STYLE)
    assert band.rtl
    whole = pixels(band.picture)
    await put(ticker(f"{text}\nשלום", speed=0.05))
    first = place_in(whole, part(await look()))
    assert first is not None

    async def elsewhere() -> int | None:
        second = place_in(whole, part(await look()))
        assert second is not None
        return None if second == first else second

    second = await until("it moves", elsewhere)
    assert 0 < (first - second) % band.period < BAR.width, "its beginning, at its right end, comes first"


def test_a_band_of_right_to_left_lines_begins_at_its_right_end():
    ground = Image.new("RGB", STYLE.size, GROUND)
    for lines in (("שלום",), ("שלום", "כן")):
        left, _, right, _ = ImageChops.difference(begin_of(lines), ground).getbbox() or (0, 0, 0, 0)
        assert BAR.width - BAR.height < right < BAR.width
        assert left > BAR.width // 2
    ends = [begin_of(lines).crop((BAR.width - 80, 0, BAR.width, 60)) for lines in (("שלום",), ("שלום", "כן"), ("כן", "שלום"))]
    assert same(ends[0], ends[1]), "the first line comes first"
    assert not same(ends[0], ends[2])


SCRIPTS = {
    "Arabic": "مرحبا بكم",
    "Hebrew": "ברוכים הבאים",
    "Chinese": "欢迎光临我们的商店",
    "Japanese": "いらっしゃいませ東京",
    "Thai": "ยินดีต้อนรับ",
    "Korean": "환영합니다",
    "Hindi": "स्वागत है",
    "Russian": "Добро пожаловать",
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_is_drawn_with_letters_and_not_with_boxes(script: str):
    """The picture of a text without a font is that of as many characters that no font has."""
    text = SCRIPTS[script]
    drawn, missing = begin_of((text,)), begin_of(("\U000e0fff" * len(text),))
    other = begin_of((text[1:] + text[0],))
    assert not same(drawn, missing)
    assert not same(drawn, other), "other words look different: boxes would not"
    shapes = {drawn_letter(char) for char in set(text) if char.isalpha()}
    assert len(shapes) >= len({char for char in text if char.isalpha()}) * 0.9, "each letter has a shape of its own"
    assert drawn_letter("\U000e0fff") not in shapes


def drawn_letter(char: str) -> bytes:
    return begin_of((char,)).tobytes()


async def test_every_script_is_seen_on_the_screen(put: Put, look: Look):
    lines = tuple(SCRIPTS.values())
    wide = Rect(0, 300, 1280, 40)
    await put(ticker("\n".join(lines)), rect=wide, run=False)
    seen = part(await look(), wide)
    assert same(seen, begin_of(lines, Style((wide.width, wide.height), GROUND, INK)))
    assert len(seen.getcolors(10_000) or ()) > 30, "letters, with smooth edges"


# --- feeds


OLD = tuple(f"The first edition, headline number {n}" for n in range(6))
LATER = ("Second edition", "with other words")


async def test_a_changed_file_is_taken_up_without_a_jump(put: Put, look: Look, tmp_path: Path):
    """Every view is of the old band, of one that leads from a whole headline of it to the later one, or of the later one."""
    file = tmp_path / "feed.txt"
    file.write_text("\n".join(OLD))
    surface = await put(ticker("", speed=0.6), str(file))
    await asyncio.sleep(0.3)
    file.write_text("\n".join(LATER))
    surface.reread()
    before, after = (pixels(draw_band(lines, STYLE).picture) for lines in (OLD, LATER))
    seen: list[Image.Image] = []

    async def is_after() -> bool:
        seen.append(part(await look()))
        return place_in(after, seen[-1]) is not None and place_in(before, seen[-1]) is None

    await until("the later text", is_after, pause_s=0.05)
    for _ in range(8):
        await is_after()
        await asyncio.sleep(0.05)
    found = [place for view in seen if (place := place_in(before, view)) is not None]
    assert found
    assert found == sorted(found), f"nothing moves back when the text changes: {found}"
    rest = seen[len(found) :]
    seams = [draw_band((OLD * 2)[:count], STYLE).period for count in range(3, 9)]
    leading = [pixels(draw_band(LATER, STYLE, (OLD, max(0, seam - 2 * BAR.width))).picture) for seam in seams]
    assert all(any(place_in(band, view) is not None for band in leading) for view in rest)
    assert place_in(after, rest[-1]) is not None, "nothing of the old text comes again"


@pytest.mark.parametrize("passed", [0, 1, 777, 2500])
def test_a_band_that_leads_over_begins_with_what_is_on_screen(passed: int):
    before, leading = draw_band(OLD, STYLE), draw_band(LATER, STYLE, (OLD, passed))
    assert 2 * BAR.width <= leading.lead < 3 * BAR.width
    there, here = pixels(before.picture), pixels(leading.picture)
    assert same(there.crop((passed, 0, passed + BAR.width, 60)), here.crop((0, 0, BAR.width, 60)))
    assert same(here.crop((leading.lead, 0, leading.lead + BAR.width, 60)), begin_of(LATER))


def test_a_band_of_another_direction_does_not_lead_over():
    assert draw_band(("שלום",), STYLE, (OLD, 10)).lead == 0


async def test_two_changes_in_a_row_end_with_the_last(put: Put, look: Look, tmp_path: Path):
    file = tmp_path / "feed.txt"
    file.write_text("One")
    surface = await put(ticker("", speed=1.0), str(file))
    for words in ("Two", "Three"):
        file.write_text(words)
        surface.reread()
        await asyncio.sleep(0.3)
    third = pixels(draw_band(("Three",), STYLE).picture)

    async def is_third() -> bool:
        return place_in(third, part(await look())) is not None

    await until("the third text", is_third)


async def test_a_feed_whose_file_goes_away_runs_on_with_what_it_has(put: Put, look: Look, tmp_path: Path):
    file = tmp_path / "feed.txt"
    file.write_text("Good news")
    surface = await put(ticker(""), str(file))
    file.unlink()
    surface.reread()
    await asyncio.sleep(0.3)
    assert place_in(pixels(draw_band(("Good news",), STYLE).picture), part(await look())) is not None
    with pytest.raises(ContentError, match="cannot be read"):
        await surface.load(Playable(ticker(""), str(file), (BAR.width, BAR.height)))


async def test_c15_a_ticker_without_text_is_refused_with_the_remedy(put: Put):
    with pytest.raises(ContentError, match="give it one on the server"):
        await put(ticker(" \n "))


# --- clocks


async def test_a_clock_shows_the_time_and_turns_over_on_the_minute(put: Put, look: Look):
    box = Rect(800, 100, 400, 200)
    shape = Style((400, 200), GROUND, INK)
    faces = {text: pixels(draw_clock(text, shape)) for text in ("11:59", "12:00")}
    watch = Watch(NOON, stopped=True)
    await put(clock(None), rect=box, now=watch)
    assert same(part(await look(), box), faces["11:59"])
    watch.started = time.monotonic()
    seen: list[tuple[str, datetime]] = []

    async def is_noon() -> bool:
        face = part(await look(), box)
        seen.append((next((text for text, drawn in faces.items() if same(face, drawn)), "?"), watch()))
        return seen[-1][0] == "12:00"

    await until("noon", is_noon, pause_s=0.02)
    assert {text for text, _ in seen} <= {"11:59", "12:00"}
    assert seen[-1][1] >= NOON.replace(hour=12, minute=0, second=0, microsecond=0), "not before"


async def test_a_clock_with_seconds_turns_each_second_and_follows_a_time_that_is_set(put: Put, look: Look):
    watch = Watch(NOON)
    await put(clock("%H:%M:%S"), now=watch)
    faces = faces_from(NOON)
    seen: list[str] = []

    async def has_turned_twice() -> bool:
        face = part(await look())
        text = next(text for text, drawn in faces.items() if same(face, drawn))
        seen.append(text)
        return len(set(seen)) == 3

    await until("two turns", has_turned_twice, pause_s=0.02)
    assert seen == sorted(seen)
    watch.begin = datetime(2030, 1, 1, 8, 0, 0, tzinfo=UTC)
    watch.started = time.monotonic()
    late = faces_from(watch.begin)

    async def follows() -> bool:
        face = part(await look())
        return any(same(face, drawn) for drawn in late.values())

    await until("the time that was set", follows)


def faces_from(begin: datetime) -> dict[str, Image.Image]:
    """What a clock with seconds shows, by its words, in the 40 seconds from `begin`."""
    words = [(begin + timedelta(seconds=second)).strftime("%H:%M:%S") for second in range(40)]
    return {text: pixels(draw_clock(text, STYLE)) for text in words}


async def test_a_paused_clock_is_not_drawn_and_is_right_at_once_when_it_goes_on(put: Put, look: Look):
    watch = Watch(NOON)
    surface = await put(clock("%H:%M:%S"), now=watch)
    surface.pause()
    before = part(await stands(look))
    await asyncio.sleep(1.2)
    assert same(before, part(await look()))
    surface.start()

    async def is_another() -> bool:
        return not same(before, part(await look()))

    await until("another time", is_another)


def test_the_digits_of_a_clock_keep_their_size():
    heights = set()
    for text in ("11:11", "20:08", "00:00"):
        picture = pixels(draw_clock(text, STYLE))
        box = ImageChops.difference(picture, Image.new("RGB", picture.size, GROUND)).getbbox()
        assert box is not None
        assert box[0] > 0
        assert box[2] < BAR.width
        heights.add(box[3] - box[1])
    assert max(heights) - min(heights) <= 2


# --- windows


async def test_a_region_that_changes_its_size_is_drawn_for_it(put: Put, look: Look, sway: Sway):
    moved = Rect(100, 50, 1100, 90)
    face = await put(clock("%Y"), rect=Rect(0, 200, 300, 100))
    surface = await put(ticker("Wider"))
    for each, rect in ((surface, moved), (face, Rect(0, 200, 640, 300))):
        each.resize(rect.width, rect.height)
        await sway.place(await appeared(sway, each.app_id), rect)
    band = pixels(draw_band(("Wider",), Style((1100, 90), GROUND, INK)).picture).crop((0, 0, 2200, 60))
    year = pixels(draw_clock("2026", Style((640, 300), GROUND, INK)))

    async def are_both_there() -> bool:
        picture = await look()
        there = place_in(band, part(picture, Rect(100, 50, 1100, 60)))
        return there is not None and same(part(picture, Rect(0, 200, 640, 300)), year)

    await until("both at their new sizes", are_both_there)


async def test_surfaces_share_a_connection_and_are_used_again(put: Put, look: Look, client: WindowClient):
    first, second = await put(ticker("One")), await put(clock("%H"), rect=Rect(0, 0, 200, 100))
    await second.load(Playable(ticker("Two"), "", (200, 100), background="#000080"))
    await first.unload()
    await first.unload()
    second.start()
    band = pixels(draw_band(("Two",), Style((200, 100), GROUND, INK)).picture).crop((0, 0, 400, 60))

    async def is_there() -> bool:
        return place_in(band, part(await look(), Rect(0, 0, 200, 60))) is not None

    await until("the second text", is_there)
    await first.close()
    await second.close()


async def test_without_a_compositor_there_is_a_reason(tmp_path: Path):
    with pytest.raises(BoxError, match="no Wayland display"):
        await WindowClient(str(tmp_path / "wayland-9")).open("sig-x", (10, 10))


async def test_while_a_long_feed_is_drawn_the_loop_turns(put: Put):
    """Fifty headlines, a whole feed, are drawn in a thread. For how long the loop stands is a figure of `scripts/bench cards`."""
    turns = 0
    surface = await put(ticker("Before"), run=True)

    async def turn() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.005)
            turns += 1

    turning = asyncio.get_running_loop().create_task(turn())
    await surface.load(Playable(ticker("\n".join(f"Headline {n} " + "word " * 40 for n in range(50))), "", (BAR.width, BAR.height)))
    turning.cancel()
    assert turns > 5


# --- in the stage


def bar(items: tuple[Item, ...], name: str, rect: Rect) -> Region:
    return Region(name, rect, Playlist(name, name, items), z=1, background="#000080")


async def test_regions_with_a_ticker_a_clock_and_a_feed_from_disk_play_without_agent_and_network(box: StageBox):
    (box.dirs.cache / "feeds").mkdir()
    file = box.dirs.cache / "feeds/news.txt"
    file.write_text("From the disk\n")
    feed = ticker("", url="http://away.example/rss", file="feeds/news.txt")
    lost = Item("l", "l", "Lost", Kind.TICKER, 5, url="http://away.example/", file="feeds/lost.txt")
    regions = (
        Region("main", Rect(0, 0, 1280, 600), Playlist("p", "P", (box.picture("red"),))),
        bar((feed,), "news", Rect(0, 660, 1280, 60)),
        bar((clock("%Y"), lost), "clock", Rect(1000, 20, 200, 100)),
    )
    box.publish(manifest=manifest_of(Layout("l", 1280, 720, regions)))
    box.start()
    await box.until_shown("Ticker")
    await box.until_shown("Clock")
    await box.until_seen("red")
    wide = Style((1280, 60), GROUND, INK)
    first = place_in(pixels(draw_band(("From the disk",), wide).picture), part(await box.look(), Rect(0, 660, 1280, 60)))
    assert first is not None
    year = pixels(draw_clock(f"{datetime.now(UTC):%Y}", Style((200, 100), GROUND, INK)))
    assert same(part(await box.look(), Rect(1000, 20, 200, 100)), year)
    status = await box.until(lambda s: any(f.item_id == "l" for f in s.faults))
    assert {f.item_id: f.code for f in status.faults if f.item_id} == {"l": "missing"}
    file.write_text("A later edition\n")
    await box.reread()
    leading = pixels(draw_band(("A later edition",), wide).picture)
    await box.until_looks(lambda picture: place_in(leading, part(picture, Rect(0, 660, 1280, 60))) is not None)


async def test_a_lock_pad_or_a_curtain_stands_above_running_text(box: StageBox):
    box.publish(manifest=manifest_of(Layout("l", 1280, 720, (bar((ticker(),), "news", Rect(0, 660, 1280, 60)),))))
    box.start()
    await box.until_shown("Ticker")
    box.order(alerts=(Alert("a", "Fire", "Leave the building", Severity.EXTREME, color="#ff0000"),))
    await box.reread()
    picture = await box.until_seen("red", (10, 10))
    assert GROUND not in [colour for _, colour in part(picture, Rect(0, 660, 1280, 60)).getcolors(100_000) or ()]
    box.order(alerts=())
    await box.reread()
    await box.until_looks(
        lambda picture: GROUND in [colour for _, colour in part(picture, Rect(0, 660, 1280, 60)).getcolors(100_000) or ()]
    )
