"""`player.core.egress`: which proxy serves which address, and what children are told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from player.core.egress import PROXY_VARIABLES, SYSTEM_AUTHORITIES, Proxy, WayOut, entries, hosts_of, straight

PLAIN, SECURE = Proxy("plain.example.com", 3128), Proxy("secure.example.com", 8080, "box", "p@ss/word")


def way_out(*no_proxy: str) -> WayOut:
    return replace(straight("signage-player/1"), http_proxy=PLAIN, https_proxy=SECURE, no_proxy=no_proxy)


@pytest.mark.parametrize(
    ("address", "proxy"),
    [
        ("http://proxy.example.com:3128", Proxy("proxy.example.com", 3128)),
        ("http://proxy.example.com/", Proxy("proxy.example.com", 3128)),
        ("proxy.example.com:8080", Proxy("proxy.example.com", 8080)),
        ("http://b%6Fx:s%40fe@[::1]:8080", Proxy("::1", 8080, "box", "s@fe")),
    ],
)
def test_a_proxy_is_read_as_people_write_it(address: str, proxy: Proxy):
    assert Proxy.of(address) == proxy


@pytest.mark.parametrize(
    "address", ["socks5://user:secret@proxy:1080", "http://", "http://proxy/path", "http://proxy:x", "http://p?q"]
)
def test_what_is_no_proxy_is_refused_without_telling_its_password(address: str):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - urlsplit writes its own
        Proxy.of(address)
    assert "secret" not in str(caught.value)


def test_a_password_file_goes_before_the_address_and_is_shown_nowhere():
    proxy = Proxy.of("http://box:old@proxy.example.com:3128", "n/ew")
    assert proxy.address == "http://box:n%2Few@proxy.example.com:3128"
    assert proxy.server == "http://proxy.example.com:3128"
    assert (str(proxy), "n/ew" in repr(proxy)) == ("proxy.example.com:3128", False)
    assert Proxy("::1", 1).address == "http://[::1]:1"


@pytest.mark.parametrize(
    ("no_proxy", "url", "proxy"),
    [
        ((), "http://cms.example.com/a", PLAIN),
        ((), "https://cms.example.com/a", SECURE),
        ((), "wss://cms.example.com/a", SECURE),
        ((), "ws://cms.example.com/a", PLAIN),
        ((), "rtsp://cms.example.com/a", None),
        ((), "http://127.0.0.1:8000/", PLAIN),
        (("*",), "http://cms.example.com/a", None),
        (("Example.com",), "http://CMS.example.com./a", None),
        (("example.com",), "http://example.com/a", None),
        (("example.com",), "http://badexample.com/a", PLAIN),
        (("10.0.0.0/8",), "http://10.1.2.3/a", None),
        (("10.0.0.0/8",), "http://11.1.2.3/a", PLAIN),
        (("10.0.0.0/8",), "http://ten.example.com/a", PLAIN),
        (("::1",), "http://[::1]:80/a", None),
    ],
)
def test_a_proxy_serves_what_no_proxy_does_not_name(no_proxy: tuple[str, ...], url: str, proxy: Proxy | None):
    assert way_out(*no_proxy).proxy_for(url) == proxy


def test_a_list_of_hosts_is_read_with_its_dots_stars_and_blanks():
    assert hosts_of(" .example.com, *.intern  10.0.0.0/8,,* ") == ("example.com", "intern", "10.0.0.0/8", "*")
    assert entries(["", " a "]) == ("a",)


def test_children_are_told_all_of_it_and_nothing_that_is_not():
    told = replace(way_out("intern", "10.0.0.0/8"), zone="Asia/Tokyo", authorities="/run/a.pem").environment()
    assert told == {
        "SSL_CERT_FILE": "/run/a.pem", "TZ": "Asia/Tokyo", "no_proxy": "intern,10.0.0.0/8", "NO_PROXY": "intern,10.0.0.0/8",
        "http_proxy": "http://plain.example.com:3128", "HTTP_PROXY": "http://plain.example.com:3128",
        "https_proxy": "http://box:p%40ss%2Fword@secure.example.com:8080",
        "HTTPS_PROXY": "http://box:p%40ss%2Fword@secure.example.com:8080",
    }  # fmt: skip
    assert straight("x").environment() == {"SSL_CERT_FILE": SYSTEM_AUTHORITIES}
    assert {"http_proxy", "NO_PROXY", "all_proxy"} <= set(PROXY_VARIABLES)
