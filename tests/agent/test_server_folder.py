"""What belongs to one server, when another is configured, and when somebody goes back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from player.agent.reports.play_owners import Cursor
from player.agent.server_folder import COMMANDS, CURSOR, LOCKED, REFUSED, ServerFolder, first_of, key_of, open_folder
from player.core.brief import CardFacts
from player.errors import StorageError
from player.journal import Journal
from player.journal_reader import read_journal
from player.store import Snapshot

A, B = "https://a.example", "https://b.example"
CARDS = CardFacts(paired=True, device_name="Foyer", server_url=A)


def opened(state: Path, url: str, cards: CardFacts = CARDS, kind: str = "adcast", device: str = "u-1") -> ServerFolder:
    return open_folder(state, kind, url, device, cards, "adcast")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A state folder from before servers had folders."""
    journal: Journal[dict[str, str]] = Journal(tmp_path / COMMANDS)
    journal.append({"what": "received", "id": "7"})
    journal.close()
    Snapshot(tmp_path / CURSOR, Cursor).write(Cursor(9))
    (tmp_path / REFUSED).write_text('{"id":"p2"}\n')
    (tmp_path / "lock.json").write_text(json.dumps({"format": 1, "body": {"server_locked": True}}))
    return tmp_path


def test_what_lay_in_the_state_folder_is_taken_over_once_and_stays_there_too(old: Path):
    before = {path: path.read_bytes() for path in old.rglob("*") if path.is_file()}
    folder = opened(old, A)
    assert (folder.facts.paired, folder.facts.device_name, folder.facts.first) == (True, "Foyer", True)
    assert [body["id"] for _, body in read_journal(folder.path / COMMANDS)] == ["7"]
    assert Snapshot(folder.path / CURSOR, Cursor).read() == Cursor(9)
    assert (folder.path / REFUSED).read_text() == '{"id":"p2"}\n'
    assert Snapshot(folder.path / LOCKED, bool).read() is True
    assert {path: path.read_bytes() for path in before} == before
    Snapshot(folder.path / CURSOR, Cursor).write(Cursor(12))
    assert opened(old, A).facts == folder.facts
    assert Snapshot(folder.path / CURSOR, Cursor).read() == Cursor(12)


def test_another_server_gets_none_of_it_and_going_back_finds_it(old: Path):
    opened(old, A)
    other = opened(old, B)
    assert (other.facts.paired, other.facts.device_name, other.facts.first) == (None, "", False)
    assert [path.name for path in other.path.iterdir()] == []
    other.keep(paired=False, pairing_code="4A7X2B")
    back = opened(old, A, CardFacts(server_url=B))
    assert (back.facts.paired, back.facts.device_name) == (True, "Foyer")
    assert (back.path / CURSOR).exists()
    assert first_of(old / "servers") == back.key
    assert opened(old, B).facts.pairing_code == "4A7X2B"


def test_kind_address_and_device_make_the_name(tmp_path: Path):
    names = {
        key_of("adcast", A, "u-1"), key_of("adcast", A, "u-2"), key_of("adcast", B, "u-1"), key_of("spot", A, "u-1"),
    }  # fmt: skip
    assert len(names) == 4
    assert key_of("adcast", f"{A}/", "u-1") == key_of("adcast", A, "u-1")
    assert "u-1" not in key_of("adcast", A, "u-1")


def test_a_box_that_never_had_a_server_has_a_folder_of_its_own(tmp_path: Path):
    nobody = opened(tmp_path, "", CardFacts(), kind="none")
    assert (nobody.key, nobody.facts.kind) == ("none", "none")
    first = opened(tmp_path, A, CardFacts())
    assert (first.facts.paired, first.facts.kind) == (None, "adcast")


def test_without_a_server_what_lay_there_is_kept_for_the_one_that_was_spoken_to(old: Path):
    assert opened(old, "", kind="none").facts.paired is None
    assert opened(old, A, CardFacts()).facts.paired is True


def test_a_take_over_that_the_power_cut_is_begun_again(old: Path):
    half = old / "servers.making/adcast-0"
    half.mkdir(parents=True)
    (half / "rest").touch()
    folder = opened(old, A)
    assert [path.name for path in (old / "servers").iterdir()] == [folder.key]
    assert not half.exists()


def test_a_state_folder_that_cannot_be_written_is_said(tmp_path: Path):
    (tmp_path / "servers").write_text("")
    with pytest.raises(StorageError, match="servers"):
        opened(tmp_path, A)
