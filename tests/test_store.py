"""The snapshot: what a reader sees after a clean stop, a corrupt file, a newer format and one that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from player.core.brief import CardFacts
from player.errors import StorageError
from player.store import Snapshot


def test_a_snapshot_comes_back_as_it_was_written(tmp_path: Path):
    snapshot = Snapshot(tmp_path / "orders.json", CardFacts)
    assert snapshot.read() is None
    snapshot.write(CardFacts(paired=False, pairing_code="4A7X2B"))
    assert snapshot.read() == CardFacts(paired=False, pairing_code="4A7X2B")
    assert (tmp_path / "orders.json").stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["orders.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\0" * 40,
        b'{"format": 1, "body": {"paired": "perhaps"}}',
        b'{"format": 1, "body": {"server_name": "\xff"}}',
    ],
)
def test_s9_a_corrupt_snapshot_is_set_aside_and_counts_as_absent(tmp_path: Path, content: bytes):
    path = tmp_path / "orders.json"
    path.write_bytes(content)
    assert Snapshot(path, CardFacts).read() is None
    assert (tmp_path / "orders.json.corrupt").read_bytes() == content


def test_s9_a_snapshot_of_a_newer_format_is_refused_and_kept(tmp_path: Path):
    path = tmp_path / "orders.json"
    path.write_bytes(b'{"format": 99, "body": {}}')
    with pytest.raises(StorageError, match="newer player"):
        Snapshot(path, CardFacts).read()
    assert path.exists()


@pytest.mark.parametrize("content", [b'{"format": 99, "body": {}}', None])
def test_u5_what_cannot_be_read_costs_itself_and_is_set_aside(tmp_path: Path, content: bytes | None):
    path = tmp_path / "orders.json"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    snapshot = Snapshot(path, CardFacts)
    assert snapshot.read_or(CardFacts(device_name="default")) == CardFacts(device_name="default")
    snapshot.write(CardFacts(device_name="Lobby"))
    assert snapshot.read_or(None) == CardFacts(device_name="Lobby")
    assert content is None or (tmp_path / "orders.json.unread").read_bytes() == content
