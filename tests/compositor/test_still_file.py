"""The curtain's files: a bitmap for everybody, and a record of which damage costs itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from player.compositor.still_file import (
    LONGEST,
    RECORD,
    VERSION,
    CurtainRecord,
    Still,
    first_picture,
    make_still,
    read_record,
    write_record,
)

XRGB, XBGR = 1, 0x34324258
STILL = Still("still-A-1.bmp", 4, 2, 16, XRGB)


def hung(folder: Path, still: Still = STILL, shows: str = "still", panel: str = "A") -> None:
    """A still of red, and a record that it hangs on a panel."""
    handle = make_still(folder, still)
    pixel = b"\0\0\xff\0" if still.form == XRGB else b"\xff\0\0\0"
    os.pwrite(handle, pixel * (still.width * still.height), 128)
    os.close(handle)
    write_record(folder, CurtainRecord(shows, {panel: still}))


def test_a_still_is_a_picture_for_others_too(tmp_path: Path):
    hung(tmp_path)
    with Image.open(tmp_path / STILL.file) as picture:
        assert (picture.size, picture.convert("RGB").getpixel((3, 1))) == ((4, 2), (255, 0, 0))
    for other in (Still("", 4, 2, 16, XBGR), Still("", 4, 2, 32, XRGB)):
        assert other.head() == bytes(128), "with colours in another order, or gaps between its rows, it is none"


def test_one_that_stands_on_its_head_is_upright_for_others(tmp_path: Path):
    still = Still("still-A-1.bmp", 1, 2, 4, XRGB, inverted=True)
    handle = make_still(tmp_path, still)
    os.pwrite(handle, b"\0\0\xff\0\xff\0\0\0", 128)
    os.close(handle)
    with Image.open(tmp_path / still.file) as picture:
        assert picture.convert("RGB").getpixel((0, 0)) == (0, 0, 255), "its last row comes first"


def test_the_next_compositor_begins_with_what_was_shown(tmp_path: Path):
    assert first_picture(tmp_path, turned=False, plain="#202020") == ("-c", "#202020")
    Image.new("RGB", (4, 2)).save(tmp_path / "idle.png")
    brand = ("-i", "idle.png", "-m", "fill")
    assert first_picture(tmp_path, turned=False, plain="#202020") == brand
    hung(tmp_path)
    assert first_picture(tmp_path, turned=False, plain="#202020") == ("-o", "A", "-i", STILL.file, "-m", "fill")
    assert first_picture(tmp_path, turned=True, plain="#202020") == brand, "it would be turned twice"
    hung(tmp_path, Still(STILL.file, 4, 2, 16, XBGR))
    assert first_picture(tmp_path, turned=False, plain="#202020") == brand, "others cannot read it"
    hung(tmp_path, shows="brand")
    assert first_picture(tmp_path, turned=False, plain="#202020") == brand
    hung(tmp_path, shows="black")
    assert first_picture(tmp_path, turned=False, plain="#202020") == ("-c", "#000000")


@pytest.mark.parametrize(
    "wrong",
    [
        {"width": 0}, {"height": 100_000}, {"stride": 8}, {"form": 7}, {"file": "../still-A-1.bmp"}, {"file": "missing"},
        {"height": 3},
    ],
)  # fmt: skip
def test_a_still_that_is_not_as_recorded_is_not_shown(wrong: dict[str, object], tmp_path: Path):
    import msgspec

    folder = tmp_path / "run"
    folder.mkdir()
    hung(tmp_path)
    hung(folder)
    write_record(folder, CurtainRecord("still", {"A": msgspec.structs.replace(STILL, **wrong)}))
    assert read_record(folder).panels == {}


@pytest.mark.parametrize(("width", "height", "stride"), [(4, 2, 8), (1, LONGEST + 1, 4), (LONGEST + 1, 1, 4 * (LONGEST + 1))])
def test_a_still_that_cannot_be_is_not_shown_though_its_file_fits(width: int, height: int, stride: int, tmp_path: Path):
    still = Still("still-A-1.bmp", width, height, stride, XRGB)
    os.close(make_still(tmp_path, still))
    write_record(tmp_path, CurtainRecord("still", {"A": still}))
    assert read_record(tmp_path).panels == {}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"shows": 3}', b'{"shows":"still","version":%d}' % (VERSION + 1)])
def test_a_record_that_cannot_be_read_is_the_brand(content: bytes, tmp_path: Path):
    (tmp_path / RECORD).write_bytes(content)
    assert read_record(tmp_path) == CurtainRecord("brand", {})


def test_a_record_that_cannot_be_written_costs_itself(tmp_path: Path):
    write_record(tmp_path / "missing", CurtainRecord("black"))
    assert read_record(tmp_path / "missing").shows == "brand"
