"""What a server's file hash means."""

from __future__ import annotations

import hashlib

import pytest

from player.core.filehash import FileHash, parse_file_hash


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha512"])
def test_a_hash_is_known_by_its_length_or_its_name(algorithm: str):
    digest = hashlib.new(algorithm, b"x").hexdigest()
    assert parse_file_hash(digest.upper()) == FileHash(algorithm, digest)
    assert parse_file_hash(f"{algorithm}:{digest}") == FileHash(algorithm, digest)
    assert parse_file_hash(f" {algorithm.replace('sha', 'SHA-')}:{digest} ") == FileHash(algorithm, digest)


@pytest.mark.parametrize("text", [None, "", "abc123", "v7", "sha256:" + "a" * 32, "crc32:" + "a" * 32, "z" * 64, "a" * 63])
def test_anything_else_is_an_opaque_version(text: str | None):
    assert parse_file_hash(text) is None
