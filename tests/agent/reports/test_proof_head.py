"""What a server is told of the proof of play: a key that checks the plays, and a record that makes a cut end show."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path

from player.agent.reports.proof_head import ProofHead
from player.core.proof import digest
from player.identity import Identity, is_signed
from player.journal import Journal
from tests.core.test_proof import chain
from tests.fakes.clock import FakeClock

IDENTITY = Identity("x", b"s" * 32)


def test_the_head_counts_what_is_kept_and_is_signed_by_the_key_that_it_tells(tmp_path: Path):
    head = ProofHead(tmp_path / "plays", FakeClock(), IDENTITY.public_key, IDENTITY.signed)
    assert set(head.read()) == {"public_key"}
    journal: Journal[dict] = Journal(tmp_path / "plays")
    events = chain(3)
    for event in events:
        journal.append(event)
    told = head.read()
    proof = told["proof"]
    assert (proof["count"], proof["first_hash"], proof["last_hash"]) == (3, events[0]["hash"], events[2]["hash"])
    assert proof["closed_at"] == "2026-03-25T12:00:00.000Z"
    assert proof["hash"] == digest(proof)
    assert is_signed(proof, b64decode(told["public_key"]))
