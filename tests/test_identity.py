"""Who this box is: made once, kept secret, kept twice."""

from __future__ import annotations

import logging
import uuid
from pathlib import Path

import pytest

from player.errors import StorageError
from player.identity import load_or_create


def test_the_identity_is_made_once_and_comes_back(tmp_path: Path):
    first = load_or_create(tmp_path)
    assert uuid.UUID(first.uuid).version == 4
    assert load_or_create(tmp_path) == first
    assert {p.name: p.stat().st_mode & 0o777 for p in tmp_path.iterdir()} == {"identity.json": 0o600, "identity.backup.json": 0o600}


def test_neither_repr_nor_log_shows_the_secrets(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    identity = load_or_create(tmp_path)
    shown = caplog.text + repr(identity) + str(identity)
    assert identity.uuid8 in shown
    assert identity.uuid not in shown
    assert repr(identity.seed) not in shown


@pytest.mark.parametrize("damaged", ["identity.json", "identity.backup.json"])
@pytest.mark.parametrize("content", [b"", b"{", b'{"format":1,"body":{"uuid":"nobody","seed":"AAAA"}}'])
def test_s9_one_damaged_copy_does_not_lose_the_identity(tmp_path: Path, damaged: str, content: bytes):
    first = load_or_create(tmp_path)
    (tmp_path / damaged).write_bytes(content)
    assert load_or_create(tmp_path) == first
    other = "identity.json" if damaged == "identity.backup.json" else "identity.backup.json"
    (tmp_path / other).unlink()
    assert load_or_create(tmp_path) == first


@pytest.mark.parametrize("mode", [0o644, 0o666, 0o000])
def test_open_or_unreadable_modes_are_repaired(tmp_path: Path, mode: int):
    first = load_or_create(tmp_path)
    (tmp_path / "identity.json").chmod(mode)
    assert load_or_create(tmp_path) == first
    assert (tmp_path / "identity.json").stat().st_mode & 0o777 == 0o600


def test_s12_a_link_in_place_of_the_file_is_refused(tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("{}")
    (tmp_path / "identity.json").symlink_to(elsewhere)
    with pytest.raises(StorageError, match="not a plain file"):
        load_or_create(tmp_path)


def test_signatures_are_checked_by_the_public_key(tmp_path: Path):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    identity = load_or_create(tmp_path)
    Ed25519PublicKey.from_public_bytes(identity.public_key).verify(identity.sign(b"a play"), b"a play")
    assert len(identity.key_id) == 16
