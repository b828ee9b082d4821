"""Which row answers: fixed pieces go before named ones, whatever their order in the table."""

from __future__ import annotations

import pytest

from player.core.routes import Found, Table, Unknown, pieces_of

TABLE = Table(
    [
        ("GET", "/v1/device/{device}", "one"),
        ("PUT", "/v1/device/{device}", "rename"),
        ("GET", "/v1/device/alive", "alive"),
        ("GET", "/v1/device/{device}/telemetry/{kind}/latest", "latest"),
        ("GET", "/v1/device/{device}/telemetry/latest", "all"),
    ]
)


def found(method: str, path: str) -> object:
    return TABLE.find(method, pieces_of(path))


def test_a_fixed_piece_goes_before_a_named_one():
    assert found("GET", "/v1/device/alive") == Found("alive", {})
    assert found("GET", "/v1/device/box") == Found("one", {"device": "box"})
    assert found("GET", "/v1/device/box/telemetry/latest") == Found("all", {"device": "box"})
    assert found("GET", "//v1/device/box/telemetry/VOLUME/latest/") == Found("latest", {"device": "box", "kind": "VOLUME"})


def test_what_no_row_answers_says_with_which_methods_it_is_known():
    assert found("DELETE", "/v1/device/box") == Unknown(("GET", "PUT"))
    assert found("GET", "/v1/nothing") == Unknown()
    assert found("GET", "/") == Unknown()


def test_two_rows_that_no_request_tells_apart_are_no_table():
    with pytest.raises(ValueError, match=r"more than one row answers GET v1 \{\}"):
        Table([("GET", "/v1/{device}", "a"), ("GET", "/v1/{uid}", "b")])


def test_a_rest_at_the_end_stands_for_all_that_follows_and_for_nothing_else():
    table = Table([("GET", "/v1/file", "all"), ("GET", "/v1/file/{path*}", "one")])
    assert table.find("GET", ("v1", "file")) == Found("all", {})
    assert table.find("GET", ("v1", "file", "a")) == Found("one", {"path": "a"})
    assert table.find("GET", ("v1", "file", "a", "b c.js")) == Found("one", {"path": "a/b c.js"})
    assert isinstance(table.find("GET", ("v1", "other", "a", "b")), Unknown)
