"""What a server may make this box hold: values of one answer, rows and bytes of a list of many pages."""

from __future__ import annotations

import pytest

from player.cms.listing import HELD_BYTES, ROWS, ByteRoom, PagedRows
from player.cms.wire import LONG, VALUES, VALUES_IN_PARTS, read_json, unfolded


@pytest.mark.parametrize("one", [b"[]", b"{}", b"1", b"[[[[[[]]]]]]", b'{"a":1}'], ids=bytes.decode)
def test_n17_an_answer_of_more_values_than_anybody_means_is_not_read(one: bytes):
    body = b"[" + b",".join([one] * (VALUES + 1)) + b"]"
    with pytest.raises(ValueError, match="more than 300000 values"):
        read_json(body)
    with pytest.raises(ValueError, match="more than 300000 values"):
        read_json(memoryview(body))


def test_n17_neither_is_a_longer_one_in_parts():
    body = b'{"items": [' + b"{}," * VALUES_IN_PARTS + b"{}]}"
    with pytest.raises(ValueError, match="more than 1000000 values"):
        unfolded(body, LONG)


def test_a_long_text_is_no_more_than_one_value():
    assert read_json(b'["' + b"a" * 4 * VALUES + b'"]') == ["a" * 4 * VALUES]
    assert len(read_json(b"[" + b"1," * (VALUES - 2) + b"1]")) == VALUES - 1


def test_a_list_is_cut_at_its_rows_and_says_so():
    kept = PagedRows()
    kept.add([{"id": number} for number in range(ROWS - 1)])
    assert (len(kept), kept.cut) == (ROWS - 1, "")
    kept.add([{"id": "a"}, {"id": "b"}, {"id": "c"}])
    assert (len(kept), kept.cut) == (ROWS, f"it has more than {ROWS} rows")
    assert kept.listed("assets", "another reason").cut == f"assets: it has more than {ROWS} rows; what is beyond is not read"


def test_a_list_is_cut_at_its_bytes_and_keeps_what_it_has():
    kept = PagedRows()
    page = [{"id": 1, "name": "x" * (HELD_BYTES // 2)}]
    kept.add(page)
    kept.add([{"id": 2, "name": "x" * (HELD_BYTES // 2)}])
    assert (len(kept), kept.cut) == (1, "it is longer than 32 MiB")


def test_rows_count_once_as_they_came_first_and_without_an_id_by_their_place():
    kept = PagedRows()
    kept.add([{"id": 1, "name": "first"}, {"name": "nobody"}, "no row"])
    kept.add([{"id": "1", "name": "second"}, {"name": "by its place"}], page="2")
    assert [row.get("name") for row in kept.listed("x").rows] == ["first", "by its place"]
    assert kept.listed("x").cut == ""


def test_what_does_not_fit_takes_no_room():
    room = ByteRoom(10)
    assert [room.fits(text) for text in ("xxxx", "xxxxx", "xx")] == [True, False, True]
