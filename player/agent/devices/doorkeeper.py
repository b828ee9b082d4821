"""Who may use the management API: `X-Auth: id:secret` of a token that `token create --kind device` made (fault L1).

A secret is 256 random bits, so a right one is never kept waiting; who sends wrong ones, or asks for what a token does not allow,
is, the longer the more, and is told so. A browser's page elsewhere cannot send the header: nobody here answers its question whether
it may (CORS), so its Origin and the name that it used for this box decide nothing.
"""

from __future__ import annotations

from player.agent.control.access import Scope, Token, TokenStore
from player.agent.control.wrong_passwords import WrongPasswords
from player.agent.devices.refusals import denied, too_many

HEADER = "X-Auth"
NOBODY = Token("", "nobody", Scope.NONE.name.lower(), "", 0.0)  # who needs no right, such as whoever knows a picture's address


class Doorkeeper:
    """`wrong` remembers wrong tokens by where they came from."""

    def __init__(self, tokens: TokenStore, wrong: WrongPasswords) -> None:
        self._tokens, self._wrong = tokens, wrong

    @property
    def is_open(self) -> bool:
        """Whether anybody was given a token: without one this API is not there at all."""
        return any(token.manages for token in self._tokens.tokens())

    def judge(self, given: str | None, source: str, needed: Scope) -> tuple[Token, str]:
        """The caller's token, which allows `needed`, and its secret. Raises Declined."""
        if needed is Scope.NONE:
            return NOBODY, ""
        name, colon, secret = (given or "").strip().partition(":")
        if not colon:
            name, secret = "", name  # the client's `accessToken` is the secret alone
        token = self._tokens.managing(name, secret)
        if token is not None and Scope[token.scope.upper()] >= needed:
            self._wrong.right(source)
            return token, secret
        wait_s = self._wrong.wait_s(source)
        if wait_s > 0:
            raise too_many(f"too many calls without a right from your address; try again in {max(1.0, wait_s):.0f} s")
        if given:  # who sends nothing guesses nothing
            self._wrong.wrong(source)
        if token is None:
            raise denied("this needs X-Auth: id:secret of a token from `signage-player token create --kind device`")
        raise denied(f"the token {token.name} has the scope {token.scope}; this needs {needed.name.lower()}")
