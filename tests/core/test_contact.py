"""How it stands with the server after answers, silence and refusals."""

from __future__ import annotations

import pytest

from player.core.contact import Contact, Standing
from player.core.faults import Fault
from player.errors import NotOffered, ServerBusy, ServerDenied, ServerError, ServerUnreachable

ODD = (Fault("bad_command", "it has no id", 5.0),)


def test_what_was_never_reached_is_not_online():
    contact = Contact()
    assert (contact.online, contact.standing, contact.last_contact) == (False, Standing.UNKNOWN, None)
    missed = contact.missed(ServerDenied("u", "401"), 7.0)
    assert (missed.online, missed.standing, missed.last_contact) == (False, Standing.REFUSED, None)


def test_an_answer_puts_it_online_and_ends_the_faults_before():
    contact = Contact().missed(ServerUnreachable("u", "no route"), 1.0).reached(9.0, 2.5, ODD)
    assert contact == Contact(Standing.ONLINE, 9.0, 2.5, ODD)
    assert contact.reached(10.0, None, ()) == Contact(Standing.ONLINE, 10.0, 2.5, ())


def test_a_fault_that_lasts_keeps_its_beginning_and_another_one_has_its_own():
    contact = Contact().reached(1.0, None, ()).missed(ServerBusy("u", "503"), 2.0).missed(ServerBusy("u", "500"), 3.0)
    assert (contact.standing, contact.last_contact) == (Standing.AWAY, 1.0)
    assert [(fault.code, fault.since) for fault in contact.faults] == [("server_busy", 2.0)]
    assert [(f.code, f.since) for f in contact.missed(ServerUnreachable("u", "x"), 4.0).faults] == [("server_unreachable", 4.0)]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ServerDenied("u", "403"), "whether this box still belongs to it"),
        (NotOffered("u", "404"), "check cms.kind and cms.url"),
        (ServerBusy("u", "503"), "u cannot answer now: 503"),
    ],
)
def test_the_sentence_says_what_to_do(error: ServerError, says: str):
    assert Contact().missed(error, 1.0).faults[0].message.endswith(says)
