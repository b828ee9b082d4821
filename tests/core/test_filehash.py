"""What a server's file hash means."""

from __future__ import annotations

import hashlib
import re

import pytest

from player.core.filehash import FileHash, asset_key, parse_file_hash


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha512"])
def test_a_hash_is_known_by_its_length_or_its_name(algorithm: str):
    digest = hashlib.new(algorithm, b"x").hexdigest()
    assert parse_file_hash(digest.upper()) == FileHash(algorithm, digest)
    assert parse_file_hash(f"{algorithm}:{digest}") == FileHash(algorithm, digest)
    assert parse_file_hash(f" {algorithm.replace('sha', 'SHA-')}:{digest} ") == FileHash(algorithm, digest)


@pytest.mark.parametrize("text", [None, "", "abc123", "v7", "sha256:" + "a" * 32, "crc32:" + "a" * 32, "z" * 64, "a" * 63])
def test_anything_else_is_an_opaque_version(text: str | None):
    assert parse_file_hash(text) is None


def test_a_hash_is_the_key_wherever_the_file_lies_and_whatever_it_is_called():
    assert asset_key("5", "A" * 64, "https://a/x") == asset_key("6", "sha256:" + "a" * 64, "https://b/y") == "a" * 64
    assert asset_key("5", "b" * 32, "https://a/x") == asset_key("6", "md5:" + "b" * 32, "https://b/y")
    assert re.fullmatch("[0-9a-f]{64}", asset_key("5", "b" * 32, "x"))


def test_an_opaque_version_belongs_to_its_content():
    key = asset_key("5", "v7", "https://a/x")
    assert key == asset_key("5", " v7 ", "https://b/y")
    assert key != asset_key("5", "v8", "https://a/x")
    assert key != asset_key("6", "v7", "https://a/x")


def test_without_a_hash_the_address_tells_revisions_apart_but_not_its_signature():
    key = asset_key("5", None, "https://a/x?v=1&Expires=1&X-Amz-Signature=aa")
    assert key == asset_key("5", "", "https://a/x?v=1&Expires=2&X-Amz-Signature=bb")
    assert key != asset_key("5", None, "https://a/x?v=2")
    assert asset_key("5", None, "https://a/\ud800")
