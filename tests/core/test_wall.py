"""`player.core.wall`: heads are read strictly, and go on without what was between two ends alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player.core.address_policy import Call
from player.core.egress import Proxy
from player.core.wall import (
    answer_head,
    is_chunked,
    is_packed,
    length_of,
    read_request,
    read_within,
    refused,
    status_of,
    whole_head,
)

PROXY = Proxy("proxy.example", 3128, "box", "p@ss")


def test_a_tunnel_leads_to_a_host_and_a_port():
    found = read_request(b"CONNECT Example.com:8443 HTTP/1.1\r\nHost: example.com\r\nProxy-Authorization: Basic eA==\r\n\r\n")
    assert (found.is_tunnel, found.url) == (True, "https://example.com:8443")
    assert found.call(stream=True) == Call("example.com", 8443, stream=True)
    assert found.head(None) == b"CONNECT example.com:8443 HTTP/1.1\r\nHost: example.com:8443\r\n\r\n"
    assert found.head(PROXY).endswith(b"\r\nProxy-Authorization: Basic Ym94OnBAc3M=\r\n\r\n")
    assert (
        read_request(b"CONNECT [::1] HTTP/1.1\r\n\r\n").head(Proxy("p", 1))
        == b"CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("target", "path", "authority"),
    [
        ("http://a.example/b?c=d#e", "/b?c=d", "a.example"),
        ("http://a.example:8080", "/", "a.example:8080"),
        ("http://me:x@a.example?b", "/?b", "a.example"),
        ("http://[::1]:80/", "/", "[::1]"),
    ],
)
def test_a_request_goes_on_to_the_server_that_it_names(target: str, path: str, authority: str):
    head = f"GET {target} HTTP/1.1\r\nHost: other.example\r\nProxy-Connection: keep-alive\r\nAccept: */*\r\n\r\n".encode()
    found = read_request(head)
    assert (found.is_tunnel, found.path, found.authority, found.length) == (False, path, authority, 0)
    rest = f"Host: {authority}\r\nConnection: close\r\nAccept: */*\r\n\r\n"
    assert found.head(None).decode() == f"GET {path} HTTP/1.1\r\n{rest}"
    assert found.head(Proxy("p", 1)).decode() == f"GET http://{authority}{path} HTTP/1.1\r\n{rest}"


@pytest.mark.parametrize(
    ("tunnel", "authority"), [("a.example:443", "a.example"), ("a.example:8443", "a.example:8443"), ("[::1]:443", "[::1]")]
)
def test_what_is_asked_inside_a_tunnel_goes_to_the_host_to_which_it_leads(tunnel: str, authority: str):
    outside = read_request(f"CONNECT {tunnel} HTTP/1.1\r\n\r\n".encode())
    head = b"GET /b?c=d#e HTTP/1.1\r\nHost: other.example\r\nConnection: keep-alive\r\nAccept: */*\r\n\r\n"
    found = read_within(head, outside)
    assert (found.is_tunnel, found.url, found.length) == (False, f"https://{authority}/b?c=d", 0)
    rest = f"Host: {authority}\r\nConnection: close\r\nAccept: */*\r\n\r\n"
    assert found.head(None).decode() == f"GET /b?c=d HTTP/1.1\r\n{rest}"


@pytest.mark.parametrize("first", ["GET http://other.example/", "CONNECT other.example:443", "GET *"])
def test_nothing_inside_a_tunnel_leads_to_another_host(first: str):
    with pytest.raises(ValueError, match="not asked of the host"):
        read_within(f"{first} HTTP/1.1\r\n\r\n".encode(), read_request(b"CONNECT a.example:443 HTTP/1.1\r\n\r\n"))


@pytest.mark.parametrize(
    "head",
    [
        "", "GET /a HTTP/1.1", "GET http://a/ HTTP/2", "GET https://a/ HTTP/1.1", "GET http:/// HTTP/1.1", "get http://a/ HTTP/1.1",
        "GET http://a/ HTTP/1.1\r\n folded: x", "GET http://a/ HTTP/1.1\r\nA : b", "GET http://a/ HTTP/1.1\r\nA: b\nC: d",
        "GET http://a:99999/ HTTP/1.1", "GET http://[::1/ HTTP/1.1", "CONNECT /a HTTP/1.1", "CONNECT a:b HTTP/1.1",
        "GET http://\xe4/ HTTP/1.1",
        "POST http://a/ HTTP/1.1\r\nTransfer-Encoding: chunked",
        "POST http://a/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2", "POST http://a/ HTTP/1.1\r\nContent-Length: -1",
        "POST http://a/ HTTP/1.1\r\nContent-Length: 999999999999999",
    ],
)  # fmt: skip
def test_what_could_be_read_otherwise_further_on_is_refused(head: str):
    with pytest.raises(ValueError):  # noqa: PT011 - of several kinds
        read_request(f"{head}\r\n\r\n".encode("latin-1"))


def test_a_body_has_the_length_that_is_said():
    head = b"POST http://a/ HTTP/1.1\r\nContent-Length: 12\r\ncontent-length: 12\r\n\r\n"
    assert read_request(head).length == 12


@given(st.binary(max_size=80), st.sampled_from([b"GET http://a/", b"CONNECT a:1", b""]))
def test_whatever_comes_is_read_or_refused(text: bytes, first: bytes):
    try:
        found = read_request(first + text + b"\r\n\r\n")
    except ValueError:
        return
    assert found.head(None).count(b"\r\n\r\n") == 1
    assert found.head(None).endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("head", "told", "last"),
    [
        (b"HTTP/1.1 200 OK\r\nKeep-Alive: x\r\nA: b\r\n\r\n", b"HTTP/1.1 200 OK\r\nConnection: close\r\nA: b\r\n\r\n", True),
        (b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n", b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n", False),
        (b"ICY 200 OK\r\nicy-br: 1\r\n\r\n", b"ICY 200 OK\r\nicy-br: 1\r\n\r\n", True),
        (b"\x00\x01", b"\x00\x01", True),
    ],
)
def test_an_answer_closes_its_connection(head: bytes, told: bytes, last: bool):
    assert answer_head(head) == (told, last)


def test_the_walls_own_answers():
    assert refused(403, "no") == (
        b"HTTP/1.1 403 The player's own answer\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\n"
        b"Connection: close\r\n\r\nno"
    )
    assert [status_of(head) for head in (b"HTTP/1.1 407 Who\r\n", b"SSH-2.0-x\r\n")] == [407, None]


@pytest.mark.parametrize(
    ("field", "chunked", "packed", "length"),
    [
        ("Server: x", False, False, None), ("transfer-encoding: gzip, CHUNKED", True, False, None),
        ("Content-Encoding: gzip", False, True, None), ("Content-Encoding: utf-8", False, False, None),
        ("content-length: 12 ", False, False, 12), ("Content-Length: -1", False, False, None),
        ("Content-Length: " + "9" * 16, False, False, None),
    ],
)  # fmt: skip
def test_how_a_body_comes_is_read_from_its_head(field: str, chunked: bool, packed: bool, length: int | None):
    head = f"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\n{field}\r\n\r\n".encode()
    assert (is_chunked(head), is_packed(head), length_of(head)) == (chunked, packed, length)
    assert whole_head(head) == (head.replace(f"{field}\r\n".encode(), b"") if chunked else head)


def test_a_body_out_of_its_chunks_has_no_length_of_its_own():
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 7\r\n\r\n"
    assert whole_head(head) == b"HTTP/1.1 200 OK\r\n\r\n"
