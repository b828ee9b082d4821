"""The PIN: what is kept of it, and how guessing grows slow."""

from __future__ import annotations

import msgspec

from player.core.pin import PinHash, hash_pin, matches, pause_s


def test_only_the_pin_matches_its_hash():
    kept = hash_pin("1234", b"s" * 16, log_n=4)
    assert matches("1234", kept)
    assert matches(" 1234 ", kept)
    assert not matches("1235", kept)
    assert not matches("", kept)


def test_l5_the_same_pin_is_kept_differently_with_another_salt_and_never_shown():
    one, other = hash_pin("1234", b"a" * 16, log_n=4), hash_pin("1234", b"b" * 16, log_n=4)
    assert one.digest != other.digest
    assert b"1234" not in msgspec.json.encode(one)
    assert "digest" not in repr(one)
    assert msgspec.json.decode(msgspec.json.encode(one), type=PinHash) == one


def test_l5_wrong_pins_slow_down_to_five_minutes():
    assert [pause_s(n) for n in range(-1, 11)] == [0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300]
    assert pause_s(10**9) == 300
