"""`player.core.address_policy`: which addresses content may open, however they are written and named."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player.core.address_policy import AddressPolicy, Call, Sort, Unopened, beside, by_cause, sort_of, written_address
from player.errors import ContentError

PUBLIC = beside("https://cms.example.com")
NOBODY = beside("")
BY_NAME = beside("http://cms.intern:8000")


NOTHING_SEEN: frozenset[Sort] = frozenset()


def opens(
    policy: AddressPolicy, host: str, address: str, port: int = 80, *, stream: bool = False, ours: bool = False,
    seen: frozenset[Sort] = NOTHING_SEEN,
) -> bool:  # fmt: skip
    return policy.refusal(Call(host, port, stream), address, ours=ours, seen=seen) is None


# The forms in which an inside address was tried on a running player.
FORMS = {
    Sort.LOOPBACK: [
        "127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "0x7f.1", "0x7f000001", "2130706433", "017700000001", "0177.0.0.1",
        "0", "0.0.0.0", "0x0", "localhost", "LOCALHOST.", "a.localhost", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
    ],
    Sort.LINK_LOCAL: [
        "169.254.169.254", "0xa9fea9fe", "2852039166", "[fe80::1%eth0]", "[::ffff:169.254.169.254]",
    ],
    Sort.PRIVATE: [
        "10.1.2.3", "172.16.0.1", "192.168.1.1", "0xc0.168.257", "100.64.0.1", "[fd00::1]", "[fec0::1]", "[64:ff9b:1::1]",
        "[64:ff9b::10.0.0.1]",
    ],
    Sort.RESERVED: [
        "224.0.0.251", "255.255.255.255", "[ff02::1]",
    ],
}  # fmt: skip
INSIDE = {form: sort for sort, forms in FORMS.items() for form in forms}


@pytest.mark.parametrize("host", INSIDE)
def test_an_inside_address_is_known_in_every_form_and_opens_for_nobody(host: str):
    address = written_address(host)
    assert address is not None
    assert sort_of(str(address)) is INSIDE[host]
    for policy in (PUBLIC, NOBODY, BY_NAME):
        for stream in (False, True):
            assert not opens(policy, host, str(address), stream=stream)


@pytest.mark.parametrize("host", ["example.com", "1.2.3.4.5", "256.1.1.1", "1.256.1", "08.1", "0xg", "1.2.3.", "", "9" * 30, "::x"])
def test_a_name_is_no_address(host: str):
    assert written_address(host) is None or host == "1.2.3."


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::"])
def test_a_public_address_is_open(address: str):
    assert sort_of(address) is Sort.PUBLIC
    assert opens(NOBODY, "example.com", address)


def test_the_servers_own_origin_is_open_wherever_it_stands():
    for address in ("127.0.0.1", "169.254.1.1", "192.168.0.9", "fd00::1"):
        assert opens(BY_NAME, "CMS.intern.", address, 8000)
        assert not opens(BY_NAME, "cms.intern", address, 8001)
        assert not opens(BY_NAME, "other.intern", address, 8000)
    assert opens(beside("https://cms.intern"), "cms.intern", "10.0.0.1", 443)
    assert opens(beside("http://cms.intern"), "cms.intern", "10.0.0.1", 80)


@pytest.mark.parametrize(
    ("server", "open_", "shut"),
    [
        ("http://127.0.0.1:8000", ("127.0.0.1", "::1"), ("10.0.0.1", "169.254.1.1", "fe80::1")),
        ("http://localhost", ("127.0.0.1",), ("10.0.0.1",)),
        ("http://192.168.7.1", ("192.168.1.1", "10.0.0.1", "fd00::1"), ("127.0.0.1", "169.254.169.254")),
        ("http://[fe80::1]", ("169.254.1.1",), ("127.0.0.1", "10.0.0.1")),
        ("http://8.8.8.8", (), ("127.0.0.1", "10.0.0.1", "169.254.1.1")),
    ],
)
def test_a_server_whose_address_is_written_out_opens_others_of_its_sort(server: str, open_: tuple[str, ...], shut: tuple[str, ...]):
    policy = beside(server)
    assert not policy.goes_by_looks
    assert all(opens(policy, address, address) for address in open_)
    assert not any(opens(policy, address, address) for address in shut)


def test_a_servers_name_opens_private_addresses_where_it_never_led_elsewhere():
    assert BY_NAME.goes_by_looks
    alone = frozenset({Sort.PRIVATE})
    assert opens(BY_NAME, "media.intern", "10.0.0.2", seen=alone)
    assert not opens(BY_NAME, "media.intern", "127.0.0.1", seen=alone)
    for also in (Sort.PUBLIC, Sort.LOOPBACK, Sort.LINK_LOCAL):
        assert not opens(BY_NAME, "media.intern", "10.0.0.2", seen=alone | {also})
        assert not opens(BY_NAME, "media.intern", "127.0.0.1", seen=frozenset({also}))
    assert not opens(PUBLIC, "media.intern", "10.0.0.2", seen=frozenset())
    assert not NOBODY.goes_by_looks


def test_a_fallback_opens_itself_and_nothing_beside_it():
    for second in ("http://192.168.7.9:8000", "http://spare.intern:8000"):
        policy = replace(PUBLIC, second=second)
        host = second.removeprefix("http://").removesuffix(":8000")
        assert opens(policy, host, "192.168.7.9", 8000)
        assert not opens(policy, host, "192.168.7.9", 80)
        assert not opens(policy, "192.168.7.8", "192.168.7.8", 8000)


def test_named_nets_are_open_to_everything():
    policy = replace(PUBLIC, nets=(IPv4Network("192.168.7.0/24"), ipaddress.IPv6Network("fd00:7::/32")))
    for address in ("192.168.7.1", "::ffff:192.168.7.1", "fd00:7::1"):
        assert opens(policy, "camera.intern", address)
    assert not opens(policy, "camera.intern", "192.168.8.1")


def test_listed_hosts_open_themselves_for_streams_alone():
    policy = replace(PUBLIC, stream_hosts=("cams.intern", "10.0.0.5", "127.0.0.1"))
    assert opens(policy, "one.cams.intern", "10.0.0.7", stream=True)
    assert opens(policy, "10.0.0.5", "10.0.0.5", stream=True)
    assert opens(policy, "127.0.0.1", "127.0.0.1", stream=True)
    assert not opens(policy, "one.cams.intern", "10.0.0.7")
    assert not opens(policy, "one.cams.intern", "127.0.0.1", stream=True), "a name is listed for a camera, not for this box"
    assert not opens(policy, "10.0.0.6", "10.0.0.6", stream=True)
    assert not opens(policy, "evil.example", "10.0.0.5", stream=True)


def test_where_hosts_of_streams_are_listed_a_redirect_leads_to_them_alone():
    listed = replace(PUBLIC, stream_hosts=("cam.example.com", "8.8.8.8"))
    for host, may in {"8.8.8.8": True, "a.cam.example.com": True, "1.1.1.1": False, "example.com": False}.items():
        why = listed.unlisted(Call(host, 554, stream=True))
        assert (why is None) is may, host
        assert may or (host in str(why) and "stage.stream_hosts" in str(why))
        assert PUBLIC.unlisted(Call(host, 554, stream=True)) is None, "where none is listed any public host may be"


def test_the_player_itself_never_opens():
    everything = AddressPolicy("http://127.0.0.1:8770", "", (IPv4Network("0.0.0.0/0"),), ("127.0.0.1",), frozenset({8770}))
    for address in ("127.0.0.1", "192.168.1.5", "8.8.8.8"):
        assert not opens(everything, "127.0.0.1", address, 8770, stream=True, ours=True)
    assert "this player itself" in (everything.refusal(Call("me", 8770, stream=True), "127.0.0.1", ours=True, seen=()) or "")
    assert opens(everything, "127.0.0.1", "127.0.0.1", 8771, ours=True)
    assert opens(everything, "192.168.1.6", "192.168.1.6", 8770)


def test_a_refusal_says_what_it_is_and_what_helps():
    words = PUBLIC.refusal(Call("camera.intern", 80, stream=False), "192.168.7.3", ours=False, seen=())
    assert words == (
        "camera.intern is the private address 192.168.7.3: put it on the server or on a public address, "
        "or name its net in network.allow_private"
    )


def test_who_knows_only_that_it_did_not_open_is_told_why():
    error = ContentError("unplayable", "Live", "it cannot be loaded")
    assert by_cause(error, None) is error
    told = by_cause(error, Unopened("proxy", "the proxy a:1 is away"))
    assert (told.code, told.name, told.reason) == ("proxy", "Live", "the proxy a:1 is away")
    assert by_cause(error, Unopened("", "away")).code == "unplayable"


addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
names = st.sampled_from(["cms.intern", "cms.example.com", "a.example", "10.0.0.1", "localhost"])
sorts = st.frozensets(st.sampled_from(list(Sort)))


@given(addresses, names, st.booleans(), sorts)
def test_without_anything_that_opens_it_only_public_is_open(address: str, host: str, stream: bool, seen: frozenset[Sort]):
    assert opens(NOBODY, host, address, stream=stream, seen=seen) is (sort_of(address) is Sort.PUBLIC)


@given(addresses, names, st.booleans(), sorts, st.sampled_from([PUBLIC, NOBODY, BY_NAME, beside("http://10.0.0.1")]))
def test_what_is_configured_opens_and_never_shuts(
    address: str, host: str, stream: bool, seen: frozenset[Sort], policy: AddressPolicy
):
    wider = replace(policy, nets=(IPv4Network("10.0.0.0/8"),), stream_hosts=("cms.intern",))
    assert opens(policy, host, address, stream=stream, seen=seen) <= opens(wider, host, address, stream=stream, seen=seen)


@given(st.ip_addresses(v=4))
def test_an_address_is_the_same_in_every_form(ip: IPv4Address):
    number, (a, b, c, d) = int(ip), ip.packed
    forms = [
        str(ip), str(number), hex(number), f"0{number:o}", f"0x{a:x}.0{b:o}.{c << 8 | d}", f"{a}.{b << 16 | c << 8 | d}", f"{ip}.",
    ]  # fmt: skip
    assert {written_address(form) for form in forms} == {ip}
    carried = [
        IPv6Address(int(IPv6Address(net)) | number << shift) for net, shift in (("::ffff:0:0", 0), ("64:ff9b::", 0), ("2002::", 80))
    ]
    assert {sort_of(str(one)) for one in carried} == {sort_of(str(ip))}
