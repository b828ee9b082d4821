"""Every card: exactly the size asked for, readable from where people stand, nothing overflowing, and no empty boxes for letters."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
import segno
from PIL import Image, ImageChops, ImageFont

from player.core.brief import Alert, CardFacts, Severity
from player.core.content import Rect
from player.core.faults import CODES
from player.core.problem import Problem
from player.stage.cards import catalogue as cards
from player.stage.cards.lock_pad import KEYS, spoken
from player.stage.cards.pairing import pairing_layout
from player.stage.drawing import bidi, fonts, typeset
from player.stage.drawing import line_break as linebreak
from player.stage.drawing.canvas import Canvas
from player.stage.drawing.palette import BOLD, CODE, INK, WHITE, ink_on, parsed
from tests.fakes.measured import processor_at_most

SIZES = [(1920, 1080), (1280, 720), (1080, 1920), (800, 480), (1280, 1024), (3840, 720)]
NOW = datetime(2026, 11, 21, 9, 41)  # noqa: DTZ001 - only its hour and date are drawn
LONG = "Please leave the building by the nearest exit and meet at assembly point C. " * 60
FACTS = CardFacts(device_name="Lobby", server_url="https://signage.example.com", address="10.0.0.7", box_id="3f6c1a9e")
HOSTILE_FACTS = CardFacts(
    device_name="W" * 200,
    server_name="S" * 99,
    server_url="https://" + "w" * 200 + ".example.com",
    network="n" * 99,
    address="a" * 99,
)
SCRIPTS = {
    "Arabic": "مرحبا بكم في المعرض",
    "Hebrew": "שלום עולם",
    "Chinese": "欢迎光临我们的商店",
    "Japanese": "いらっしゃいませ",
    "Korean": "환영합니다",
    "Thai": "ยินดีต้อนรับสู่ร้าน",
    "Hindi": "नमस्ते दुनिया",
    "Greek": "Καλώς ήρθατε",
    "Russian": "Добро пожаловать",
    "Georgian": "მოგესალმებით",
    "Amharic": "እንኳን ደህና መጡ",
    "Khmer": "សូមស្វាគមន៍",
    "Tibetan": "བོད་ཡིག",
    "Symbols": "★ ☎ → ✓ € ½",
}


def pairing(size: tuple[int, int], code: str = "4A7X2B", **other: str) -> Image.Image:
    told = {
        "server_name": "AdCast",
        "server_url": "https://signage.example.com",
        "pair_url": "https://signage.example.com/pair",
        "device_name": "Lobby Display",
        "address": "192.168.1.100",
        "network": "Wi-Fi, −45 dBm",
        "box_id": "3f6c1a9e",
    }
    return cards.pairing_card(size, code=code, now=NOW, **(told | other))


def every_card(size: tuple[int, int]) -> dict[str, Image.Image]:
    alert = Alert("a", "Fire alarm", "Leave the building now.", Severity.EXTREME)
    return {
        "pairing": pairing(size),
        "waiting": pairing(size, code="", address="", network="not connected"),
        "idle": cards.idle_card(size, device_name="Lobby", note="Nothing is scheduled.", now=NOW),
        "idle without clock": cards.idle_card(size),
        "background": cards.background_card(size),
        "safe mode": cards.safe_mode_card(size, (), Problem("safe_mode"), FACTS, NOW),
        "problem": cards.problem_card(size, Problem("server_refused", "403: The licence has expired"), FACTS, NOW),
        "progress": cards.progress_card(size, 3, 17, FACTS, NOW),
        "identify": cards.identify_card(size, "Lobby Display", "10.0.0.7", "4A7X2B"),
        "lock pad": cards.lock_pad(size, entered=2, wait_s=0, message="")[0],
        "alert": cards.alert_card(size, alert, None),
    }


@pytest.mark.parametrize("size", SIZES)
def test_every_card_has_exactly_the_size_asked_for_and_is_nowhere_black(size: tuple[int, int]) -> None:
    for name, card in every_card(size).items():
        assert card.size == size, name
        assert card.mode == "RGB", name
        darkest = card.resize((16, 16), Image.Resampling.BOX).convert("L").getextrema()[0]
        assert darkest > 12, f"{name} is black somewhere"


@pytest.mark.parametrize("size", SIZES)
def test_nothing_on_a_card_touches_its_edges(size: tuple[int, int]) -> None:
    """What a card draws over its plain background stays inside a margin, with hostile lengths too."""
    words = {"server_name": "Server " * 30, "device_name": "W" * 300, "network": "Wi-Fi " * 40}
    drawn = [
        pairing(size, **words),
        pairing(size, code="WWWWWWWW"),
        cards.idle_card(size, device_name="Screen " * 60, note=LONG, now=NOW),
        cards.safe_mode_card(size, [Path("/nowhere.png")], Problem("safe_mode", LONG), HOSTILE_FACTS, NOW),
        cards.problem_card(size, Problem("page_crashed", LONG), HOSTILE_FACTS, NOW),
        cards.progress_card(size, 99999, 100000, HOSTILE_FACTS, NOW),
        cards.lock_pad(size, entered=40, wait_s=99999, message=LONG)[0],
    ]
    plain = Canvas(size).image
    for index, card in enumerate(drawn):
        left, top, right, bottom = ImageChops.difference(card, plain).getbbox()  # type: ignore[misc]  # never empty here
        edge = min(size) * 4 // 100
        assert left >= edge, index
        assert top >= edge, index
        assert right <= size[0] - edge, index
        assert bottom <= size[1] - edge, index


@pytest.mark.parametrize(
    ("size", "code"), [((1920, 1080), "4A7X2B"), ((1280, 720), "4A7X2B"), ((800, 480), "XK4WM2"), ((1280, 1024), "ABCDEF")]
)
def test_the_codes_letters_are_a_sixth_of_a_landscape_screens_height(size: tuple[int, int], code: str) -> None:
    place = pairing_layout(size, len(code)).code
    card = pairing(size, code).crop((place.x, place.y, place.x + place.width, place.y + place.height))
    bright = card.convert("L").point([255 if value > 200 else 0 for value in range(256)]).getbbox()
    assert bright is not None
    assert bright[3] - bright[1] >= size[1] / 6


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("letters", [4, 6, 8, 12])
def test_the_parts_of_the_pairing_card_do_not_overlap(size: tuple[int, int], letters: int) -> None:
    layout = pairing_layout(size, letters)
    parts = [layout.heading, layout.code, layout.qr]
    for index, one in enumerate(parts):
        assert one.width > 0
        assert one.height > 0
        for other in parts[index + 1 :]:
            beside = one.x + one.width <= other.x or other.x + other.width <= one.x
            above = one.y + one.height <= other.y or other.y + other.height <= one.y
            assert beside or above, (one, other)


@pytest.mark.parametrize("size", SIZES)
def test_the_qr_code_holds_the_pairing_address_and_its_quiet_zone(size: tuple[int, int]) -> None:
    matrix = segno.make("https://signage.example.com/pair?code=4A7X2B", micro=False, error="m").matrix
    count, box = len(matrix), pairing_layout(size, 6).qr
    module = min(box.width, box.height) // (count + 8)
    assert module >= 2, "too small to be scanned"
    side = module * count
    card = pairing(size).convert("L")
    spare = box.width - module * (count + 8)
    left = box.x + (spare if size[0] >= size[1] else spare // 2) + 4 * module
    top = box.y + (box.height - module * (count + 8)) // 2 + 4 * module
    for y in range(-4, count + 4):
        for x in range(-4, count + 4):
            inside = 0 <= x < count and 0 <= y < count
            corner = (x < 0 or x >= count) and (y < 0 or y >= count)
            dark = card.getpixel((left + x * module + module // 2, top + y * module + module // 2)) < 128  # type: ignore[operator]  # mode L
            assert corner or dark == bool(inside and matrix[y][x]), (x, y)
    assert side >= min(size) / 8


def test_without_a_page_to_pair_at_there_is_no_qr_code_and_nothing_breaks() -> None:
    place = pairing_layout((1280, 720), 6).qr
    card = pairing((1280, 720), pair_url="")
    assert card.crop((place.x, place.y, place.x + place.width, place.y + place.height)).convert("L").getextrema()[1] < 120


@pytest.mark.parametrize("size", SIZES)
def test_the_corner_names_every_problem_inside_its_own_edges(size: tuple[int, int]) -> None:
    small = cards.problem_corner_size(size)
    edge = max(1, small[1] // 12)
    for code in CODES:
        card = cards.problem_corner(small, Problem(code), HOSTILE_FACTS)
        text = card.convert("L").point([255 if value > 90 else 0 for value in range(256)]).getbbox()
        assert card.size == small
        assert text is not None, code
        assert text[0] >= edge, code
        assert text[2] <= small[0] - edge, code


def test_the_codes_face_tells_like_letters_apart() -> None:
    face = fonts.primary(CODE)
    shapes = {char: bytes(fonts.font(face, 60).getmask(char)) for char in "O0I1lB8S5Z2"}
    assert len(set(shapes.values())) == len(shapes)
    middle = fonts.font(face, 200).getmask("0")
    assert middle.getpixel((middle.size[0] // 2, middle.size[1] // 2)) > 0, "the zero has a dot or a slash"


@pytest.mark.parametrize(("script", "text"), SCRIPTS.items())
@pytest.mark.parametrize("weight", ["Regular", "Bold"])
def test_every_script_is_drawn_with_glyphs_and_not_with_boxes(script: str, text: str, weight: str) -> None:
    line = typeset.one_line(text, 40, weight)
    for run in line.runs:
        assert run.face is not None
        font = ImageFont.truetype(run.face[0], 40, index=run.face[1])
        missing = bytes(font.getmask("\uffff"))
        for char in run.text:
            assert char.isspace() or char == "\u200d" or bytes(font.getmask(char)) != missing, f"{script}: {char!r} has no glyph"
        assert "\ufffd" not in run.text
    canvas = Canvas((800, 200))
    before = canvas.image.copy()
    took = canvas.text(Rect(20, 20, 760, 160), text, 30, weight=weight)
    assert took.width > 20
    box = ImageChops.difference(before, canvas.image).getbbox()
    assert box is not None
    assert box[0] >= 15
    assert box[1] >= 15
    assert box[2] <= 785
    assert box[3] <= 185


def test_letters_of_arabic_join() -> None:
    """Shaped, a word is narrower than its letters standing alone."""
    word = "مرحبا"
    joined = typeset.one_line(word, 100).width
    assert joined < sum(typeset.one_line(char, 100).width for char in word) * 0.9


def test_han_characters_look_as_the_country_writes_them() -> None:
    assert typeset.one_line("直", 40).runs[0].face != typeset.one_line("直す", 40).runs[0].face


def test_a_character_that_no_font_has_becomes_a_sign_and_not_a_box() -> None:
    assert [run.text for run in typeset.one_line("\U0001e290", 30).runs] == ["\ufffd"]


def colourful(picture: Image.Image) -> int:
    """How many of its pixels are neither grey nor near it."""
    return sum(max(pixel[:3]) - min(pixel[:3]) > 100 for pixel in picture.convert("RGB").get_flattened_data())


def test_emoji_are_drawn_in_colour_and_differ() -> None:
    pizza, fire = (cards.ticker_strip(90, text, color=WHITE, background=INK) for text in ("\U0001f355", "\U0001f525"))
    assert min(colourful(pizza), colourful(fire)) > 300
    assert pizza.tobytes() != fire.tobytes()
    grey = Alert("1", "Lunch", "Pizza at 12", Severity.MINOR, color="#202020")
    picture = Alert("1", "Lunch", "Pizza \U0001f355 at 12", Severity.MINOR, color="#202020")
    assert colourful(cards.alert_card((1280, 720), grey, None)) == 0
    assert colourful(cards.alert_card((1280, 720), picture, None)) > 300


def test_what_stands_beside_an_emoji_stays_as_it_is() -> None:
    runs = [run.text for run in typeset.one_line("\U0001f525 12:30 #1", 40).runs]
    assert runs == ["\U0001f525", " 12:30 #1"]
    one, family = (typeset.one_line(text, 40).width for text in ("\U0001f469", "\U0001f469\u200d\U0001f692"))
    assert one == family, "joined, they are one picture"
    as_letter, as_picture = (cards.ticker_strip(90, text, color=WHITE, background=INK) for text in ("\u2764", "\u2764\ufe0f"))
    assert (colourful(as_letter), colourful(as_picture) > 300) == (0, True)


@pytest.mark.parametrize(
    ("text", "rtl", "seen"),
    [
        ("Hall שלום B", False, [("Hall ", False), ("שלום", True), (" B", False)]),
        ("שלום Hall 3 עולם", True, [(" עולם", True), ("Hall 3", False), ("שלום ", True)]),
        ("קומה 12", True, [("12", False), ("קומה ", True)]),
        ("سعر 12,50%", True, [("%", True), ("12,50", False), ("سعر ", True)]),
        ("100% sure", False, [("100% sure", False)]),
        ("", False, []),
    ],
)
def test_runs_stand_in_the_order_in_which_people_read_them(text: str, rtl: bool, seen: list[tuple[str, bool]]) -> None:
    assert bidi.visual_runs(text, rtl=rtl) == seen


def test_lines_break_where_the_script_allows_it() -> None:
    assert list(linebreak.pieces("one two-three")) == ["one ", "two-", "three"]
    assert list(linebreak.pieces("今天（八折），好")) == ["今", "天", "（八", "折），", "好"]
    assert list(linebreak.pieces("환영 합니다")) == ["환영 ", "합니다"]
    assert len(list(linebreak.pieces("สวัสดีเพื่อนและแม่"))) > 1


@pytest.mark.parametrize("text", [LONG, "无" * 3000, "W" * 500, "ส" * 900, "مرحبا " * 400, "a\n" * 300, "", "\x00\x1b[2J\u202e"])
@pytest.mark.parametrize("box", [Rect(10, 10, 300, 80), Rect(10, 10, 90, 400), Rect(10, 10, 24, 24)])
def test_text_never_leaves_its_box(text: str, box: Rect) -> None:
    canvas = Canvas((420, 430))
    before = canvas.image.copy()
    canvas.text(box, text, 12, smallest=4)
    drawn = ImageChops.difference(before, canvas.image).getbbox()
    if drawn:
        slack = 4  # a letter's own overhang
        assert drawn[0] >= box.x - slack
        assert drawn[2] <= box.x + box.width + slack
        assert drawn[3] <= max(box.y + box.height, 60) + slack


def test_a_text_too_long_for_its_smallest_size_ends_in_an_ellipsis() -> None:
    block = typeset.fit(LONG, 200, 60, (14, 20))
    assert block.truncated
    assert block.height <= 60
    assert block.lines[-1].runs[-1].text.endswith("…")


@pytest.mark.parametrize("size", [(1920, 1080), (1080, 1920), (800, 480)])
def test_keys_of_the_lock_pad_are_large_apart_and_on_the_card(size: tuple[int, int]) -> None:
    image, keys = cards.lock_pad(size, entered=0, wait_s=0, message="")
    assert image.size == size
    assert set(keys) == {*"0123456789", "backspace", "enter"} == set(KEYS)
    for name, key in keys.items():
        assert min(key.width, key.height) >= min(size) * 0.15, name
        assert key.x >= 0
        assert key.y >= 0
        assert key.x + key.width <= size[0]
        assert key.y + key.height <= size[1]
        for other in (place for there, place in keys.items() if there != name):
            apart_x = key.x + key.width < other.x or other.x + other.width < key.x
            assert apart_x or key.y + key.height < other.y or other.y + other.height < key.y


def test_the_lock_pad_shows_how_much_was_entered_and_how_long_to_wait() -> None:
    size = (800, 480)
    shown = {
        state: cards.lock_pad(size, entered=state[0], wait_s=state[1], message=state[2])[0].tobytes()
        for state in ((0, 0.0, ""), (3, 0.0, ""), (0, 60.0, ""), (0, 0.0, "Wrong PIN."))
    }
    assert len(set(shown.values())) == 4
    assert [spoken(wait) for wait in (0.2, 45, 119, 3600, 7200)] == ["1 s", "45 s", "2 min", "60 min", "2 h"]


def luminance(colour: tuple[int, int, int]) -> float:
    """WCAG 2.2's relative luminance, 0 to 1."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (value / 255 for value in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("severity", list(Severity))
@pytest.mark.parametrize("color", [None, "#ffee00", "#123", "red; drop", "#12345"])
def test_an_alert_is_readable_in_every_colour(severity: Severity, color: str | None) -> None:
    background, ink = cards.alert_colours(Alert("a", "t", "m", severity, color=color))
    dark, bright = sorted((luminance(background), luminance(ink)))
    assert (bright + 0.05) / (dark + 0.05) >= 4.5, "WCAG wants that of text"


def test_an_alerts_own_colour_fills_the_card() -> None:
    card = cards.alert_card((800, 480), Alert("a", "Test", "", Severity.SEVERE, color="#0a7f3f"), None)
    red, green, blue = card.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))  # type: ignore[misc]  # mode RGB
    assert green > red * 2
    assert green > blue


@pytest.mark.parametrize("size", SIZES)
def test_an_alert_of_any_length_stays_inside(size: tuple[int, int]) -> None:
    plain = cards.alert_card(size, Alert("a", " ", "", Severity.EXTREME), None)
    full = cards.alert_card(size, Alert("a", LONG, LONG, Severity.EXTREME), None)
    left, top, right, bottom = ImageChops.difference(plain, full).getbbox()  # type: ignore[misc]  # never empty here
    edge = min(size) * 5 // 100
    assert left >= edge
    assert top >= edge
    assert right <= size[0] - edge
    assert bottom <= size[1] - edge


def test_an_alerts_picture_is_shown_and_a_broken_one_costs_only_itself(tmp_path: Path) -> None:
    picture, broken = tmp_path / "plan.png", tmp_path / "broken.png"
    Image.new("RGB", (300, 200), (0, 0, 255)).save(picture)
    broken.write_bytes(picture.read_bytes()[:40])
    alert = Alert("a", "Fire", "Leave.", Severity.EXTREME)
    for size in ((800, 480), (480, 800)):
        blue = cards.alert_card(size, alert, picture).getchannel("B").getextrema()[1]
        assert blue == 255
        assert cards.alert_card(size, alert, broken).tobytes() == cards.alert_card(size, alert, None).tobytes()


def test_a_ticker_is_one_line_as_wide_as_its_text_and_bounded() -> None:
    short, long = cards.ticker_strip(90, "Road works"), cards.ticker_strip(90, LONG * 3)
    assert short.size[1] == long.size[1] == 90
    assert short.mode == "RGBA"
    assert 200 < short.size[0] < 1200
    assert long.size[0] <= 16384
    assert cards.ticker_strip(60, "two\nlines مرحبا 你好", color=INK, background=(250, 190, 60)).getpixel((2, 2)) == (
        250,
        190,
        60,
        255,
    )
    box = short.getchannel("A").getbbox()
    assert box is not None
    assert box[1] > 0
    assert box[3] < 90
    assert short.getpixel((0, 0)) == (*WHITE, 0)


@pytest.mark.parametrize("screen", SIZES)
def test_overlays_are_small_and_transparent_at_their_corners(screen: tuple[int, int]) -> None:
    for size, image in (
        (cards.corner_size(screen), cards.corner_card(cards.corner_size(screen), "4A7X2B")),
        (cards.message_size(screen), cards.message_card(cards.message_size(screen), "The canteen opens at 12:30. " * 9)),
        (cards.watermark_size(screen), cards.watermark(cards.watermark_size(screen))),
    ):
        assert image.size == size
        assert image.mode == "RGBA"
        assert size[0] <= screen[0]
        assert size[1] < screen[1]
        assert image.getpixel((size[0] - 1, size[1] - 1))[3] == 0  # type: ignore[index]  # RGBA
        assert image.getchannel("A").getextrema()[1] > 100


def test_overlay_bytes_are_bgra_multiplied_by_alpha() -> None:
    image = Image.new("RGBA", (2, 1), (200, 100, 50, 255))
    image.putpixel((1, 0), (200, 100, 50, 128))
    raw = cards.overlay_bytes(image)
    assert tuple(raw[:4]) == (50, 100, 200, 255)
    assert tuple(raw[4:]) == (25, 50, 100, 128)


def test_colours_are_read_as_they_are_written_and_ink_can_be_read_on_each() -> None:
    assert parsed("#fff") == parsed("#FFFFFF") == (255, 255, 255)
    assert parsed("white") is parsed("") is parsed(None) is None
    assert ink_on((255, 230, 0)) == INK
    assert ink_on((170, 12, 34)) == WHITE


def test_no_card_takes_long_to_draw() -> None:
    """How long each does take is a figure of `scripts/bench cards`."""
    every_card((1920, 1080))  # the fonts are open afterwards, as in a stage that runs
    for name, draw in {
        "pairing": lambda: pairing((1920, 1080), code="7B2X4A"),
        "lock": lambda: cards.lock_pad((1920, 1080), entered=1, wait_s=0, message=""),
        "alert": lambda: cards.alert_card((1920, 1080), Alert("a", "Storm", LONG[:400], Severity.SEVERE), None),
    }.items():
        for _ in processor_at_most(0.5):
            assert draw(), name


def test_the_module_does_not_load_pillow_before_the_first_card() -> None:
    code = "import sys, player.stage.cards.catalogue; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=20).returncode == 0


def test_bold_falls_back_to_regular_where_a_script_has_one_weight() -> None:
    assert fonts.face_for("Ⲁ", BOLD, fonts.CHINESE) is not None


def test_a_system_without_fonts_still_draws_letters() -> None:
    code = """
from player.stage.drawing import fonts
fonts.FOLDERS = ()
from PIL import ImageChops
from player.stage.cards import catalogue as cards
one, other = (cards.identify_card((400, 240), name, "10.0.0.7", "4A7X2B") for name in ("Lobby", "Foyer"))
assert ImageChops.difference(one, other).getbbox()
"""
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=20).returncode == 0
