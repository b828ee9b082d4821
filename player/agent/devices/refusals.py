"""What the API says no with: an HTTP status, and a number and a name that do not change."""

from __future__ import annotations

from aiohttp import web

from player.errors import SignageError


class Declined(SignageError):
    """The body is {status, message, errorCode, errorName, errorDetail}."""

    code = "declined"

    def __init__(self, status: int, number: int, name: str, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.status, self.number, self.name, self.message, self.detail = status, number, name, message, detail

    def body(self) -> dict[str, object]:
        """As clients read it."""
        return {
            "status": self.status, "message": self.message, "errorCode": self.number, "errorName": self.name,
            "errorDetail": self.detail,
        }  # fmt: skip


def response(error: Declined) -> web.Response:
    """A refusal as it is sent."""
    return web.json_response(error.body(), status=error.status)


def bad_field(name: str, problem: str) -> Declined:
    """A field of the body or of the query that cannot be used; nothing was changed."""
    return Declined(400, 400101, "INVALID_FIELD", f"{name}: {problem}", name)


def bad_body(problem: str) -> Declined:
    """A body that cannot be read at all."""
    return Declined(400, 400100, "INVALID_BODY", problem)


def denied(message: str) -> Declined:
    """No token, a wrong one, or one whose scope is too small."""
    return Declined(403, 403100, "NO_ACCESS", message)


def not_found(what: str) -> Declined:
    """Nothing of that name is on this box."""
    return Declined(404, 404311, "RESOURCE_NOT_FOUND", f"there is no {what} on this box", what)


def unmanaged() -> Declined:
    """Without any token this API is not there at all."""
    return not_found("management API: make a token with `signage-player token create --kind device`")


def no_such_method(method: str, known: tuple[str, ...]) -> Declined:
    """The path is known, with other methods."""
    return Declined(405, 405100, "METHOD_NOT_ALLOWED", f"{method} is not allowed here; allowed: {', '.join(known)}")


def conflict(message: str) -> Declined:
    """It stands against what is there."""
    return Declined(409, 409100, "CONFLICT", message)


def too_large(limit: int) -> Declined:
    """A body that is not read."""
    return Declined(413, 413100, "BODY_TOO_LARGE", f"a body has {limit} bytes at most")


def too_many(message: str) -> Declined:
    """Asked too often; later it may be asked again."""
    return Declined(429, 429100, "TOO_MANY_REQUESTS", message)


def not_here(message: str) -> Declined:
    """Known, and nothing that one box can do."""
    return Declined(501, 501100, "NOT_IMPLEMENTED", message)


def mistaken(message: str) -> Declined:
    """A mistake of the player's own, over which nothing can be said but that."""
    return Declined(500, 500100, "INTERNAL_ERROR", message)


def out_of_order(message: str) -> Declined:
    """A disk or a part of the player does not work for now."""
    return Declined(503, 503100, "UNAVAILABLE", message)
