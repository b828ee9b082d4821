"""How it stands with the server after answers, silence and refusals."""

from __future__ import annotations

import pytest

from player.core.contact import Contact, Standing, sentence
from player.errors import NotOffered, ServerBusy, ServerDenied, ServerError, ServerUnreachable


def test_what_was_never_reached_is_not_online():
    contact = Contact()
    assert (contact.online, contact.standing, contact.last_contact) == (False, Standing.UNKNOWN, None)
    denied = ServerDenied("u", "401")
    assert contact.missed(denied) == Contact(Standing.REFUSED, error=denied)


def test_an_answer_puts_it_online_and_its_clock_is_known_until_another_is_told():
    contact = Contact().missed(ServerUnreachable("u", "no route")).reached(9.0, 2.5)
    assert contact == Contact(Standing.ONLINE, 9.0, 2.5)
    assert contact.reached(10.0, None) == Contact(Standing.ONLINE, 10.0, 2.5)


def test_silence_leaves_the_last_contact_known():
    busy = ServerBusy("u", "503")
    assert Contact().reached(1.0, None).missed(busy) == Contact(Standing.AWAY, 1.0, error=busy)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ServerDenied("u", "403"), "whether this box still belongs to it"),
        (NotOffered("u", "404"), "check cms.kind and cms.url"),
        (ServerBusy("u", "503"), "u cannot answer now: 503"),
    ],
)
def test_the_sentence_says_what_to_do_and_what_is_on_screen(error: ServerError, says: str):
    assert says in sentence(error)
    assert "what is here plays on" in sentence(error).lower()
