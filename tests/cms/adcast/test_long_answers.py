"""Long answers of AdCast, read part by part: the same programme as of the whole, in little memory, and nothing of a broken one."""

from __future__ import annotations

import gc
import json
import tracemalloc
from typing import Any
from urllib.parse import urljoin

import pytest

from player.cms.adcast.programme import Reader
from player.cms.wire import LONG, unfolded
from player.core.content import Programme
from player.errors import ServerNonsense


def row(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": 1000 + number, "content_id": number % 50, "name": f"Summer promotion of shop {number % 50}, part {number}",
        "type": "image", "mime": "image/png", "download_url": f"/file/{number % 50}", "source_url": None, "duration": 10,
        "order": number, "file_hash": f"v{number % 50:062}", "file_size": None, "schedule_id": None, **more,
    }  # fmt: skip


def answer(rows: Any, listed: Any = None, **more: Any) -> dict[str, Any]:
    return {"playlist": {"id": 1, "name": "All", "items": rows, **more}, "content_to_download": listed, "content_to_delete": []}


def read(told: Any) -> Programme:
    reader = Reader("/p", 1.0, lambda url: urljoin("http://cms.example/", url), lambda one: f"http://cms.example/{one}", "k")
    return reader.programme(told)


ROWS = [row(number) for number in range(60)]
REGION = {"id": 3, "x": 0, "y": 0, "width": 960, "height": 540, "items": ROWS, "transition": {"type": "fade", "duration": 1}}
PAGE = row(7, type="web", source_url="https://x.example/", web={"zoom": 2, "headers": {"X-Long": "y" * LONG}})


@pytest.mark.parametrize(
    "told",
    [
        answer(ROWS, ROWS),
        answer({str(number): one for number, one in enumerate(ROWS)}, {"a": ROWS[0]}),
        answer([json.dumps(one) for one in ROWS], ["no object", None, 5]),
        answer([*ROWS, None, "x", [], {}, 7, PAGE], [row(n, file_hash=f"h{n}", file_size=9) for n in range(50, 90)]),
        answer([{name: one[name] for name in ("id", "content_id", "name", "type")} for one in ROWS], ROWS),
        answer([], layout={"id": 2, "regions": [REGION, {**REGION, "id": 4, "x": 960}]}),
        {**answer(ROWS), "content_to_delete": list(range(3000)), "note": "x" * 9000},
        {**answer([]), "layout": {"regions": {"a": REGION}}},
    ],
    ids=["lists", "objects of PHP", "objects as texts", "odd ones among them", "listed apart", "regions", "much", "a layout"],
)
def test_read_in_parts_it_is_what_it_is_as_a_whole(told: dict[str, Any]):
    written = bytearray(json.dumps(told).encode())
    assert len(written) > LONG
    found = read(unfolded(written, LONG))
    assert found == read(told)
    assert found.items


@pytest.mark.parametrize("broken", [b"\xff", b"\\ud800", b"\\x", b"\x01"])
def test_where_a_part_is_no_json_nothing_is_read(broken: bytes):
    written = json.dumps(answer(ROWS)).encode().replace(b"part 59", broken)
    with pytest.raises((ServerNonsense, ValueError), match=r"malformed|utf-8|surrogate|cannot be read"):
        read(unfolded(written, LONG))


def test_a_part_that_is_nested_beyond_reason_is_refused():
    deep = json.dumps(answer([*ROWS, row(7, web="DEEP")])).replace('"DEEP"', "[" * 70 + "]" * 70)
    with pytest.raises(ServerNonsense, match="nested more than 64 deep"):
        read(unfolded(deep.encode(), LONG))


def test_reading_takes_little_beside_the_answer():
    written = bytearray(json.dumps(answer(rows := [row(number) for number in range(2000)], rows)).encode())
    del rows
    gc.collect()
    tracemalloc.start()
    try:
        found = read(unfolded(written, LONG))
        held, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found.items) == 2000
    assert most < 2 * len(written), f"{most / len(written):.1f} times the answer"
    assert held < len(written), f"{held / len(written):.1f} times the answer"
