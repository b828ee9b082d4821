"""One call on the system bus, and its refusals in words an installer can act on (house rule 19).

The connection is made for the call and closed after it: the player speaks to logind and timedated a few times a day, and a
connection that is not there cannot go stale. Nothing is ever sent twice: whoever asked decides whether to ask again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from player.errors import BoxError

if TYPE_CHECKING:
    from dbus_fast import Message

_ERROR = "org.freedesktop.DBus.Error."
_NOT_ALLOWED = "not allowed by polkit for the player's user; run scripts/install, which writes the rule that allows it"
_REMEDIES = {
    _ERROR + "AccessDenied": _NOT_ALLOWED,
    _ERROR + "InteractiveAuthorizationRequired": _NOT_ALLOWED,
    _ERROR + "AuthFailed": _NOT_ALLOWED,
    "org.freedesktop.login1.OperationInProgress": "the system is already going down",
    "org.freedesktop.login1.BlockedByInhibitorLock": "something holds the system up; `systemd-inhibit --list` says what",
}
_NOBODY = tuple(_ERROR + name for name in ("ServiceUnknown", "NameHasNoOwner", "UnknownObject", "Spawn."))


@dataclass(frozen=True, slots=True)
class Service:
    """What is spoken to: a name on the bus, an object's path, and the interface of it that is meant."""

    name: str
    path: str
    interface: str


class SystemBus:
    """Calls with a deadline. `address` as in dbus-daemon(1); None is $DBUS_SYSTEM_BUS_ADDRESS or the usual socket."""

    def __init__(self, address: str | None = None, deadline_s: float = 10.0) -> None:
        self._address, self._deadline_s = address, deadline_s

    def __repr__(self) -> str:
        return f"the system bus ({self._address or 'at its usual place'})"

    async def call(self, ability: str, service: Service, member: str, signature: str = "", body: Sequence[Any] = ()) -> list[Any]:
        """The answer's arguments. Raises BoxError, naming `ability`."""
        from dbus_fast import MessageType
        from dbus_fast.errors import DBusFastError

        try:
            async with asyncio.timeout(self._deadline_s):
                reply = await self._exchange(service, member, signature, body)
        except TimeoutError as error:
            raise BoxError(ability, f"{service.name} did not answer within {self._deadline_s:.0f} s; try again") from error
        except (OSError, EOFError, DBusFastError) as error:
            reason = f"{self} cannot be reached ({error}); is dbus running, and may the player's user open its socket?"
            raise BoxError(ability, reason) from error
        if reply is None:
            raise BoxError(ability, f"{self} went away before {service.name} answered; try again")
        if reply.message_type is MessageType.ERROR:
            raise BoxError(ability, explain(service, reply.error_name or "", str(reply.body[0]) if reply.body else ""))
        return reply.body

    async def get(self, ability: str, service: Service, name: str) -> Any:
        """The value of one property. Raises BoxError."""
        properties = Service(service.name, service.path, "org.freedesktop.DBus.Properties")
        (variant,) = await self.call(ability, properties, "Get", "ss", [service.interface, name])
        return variant.value

    async def _exchange(self, service: Service, member: str, signature: str, body: Sequence[Any]) -> Message | None:
        from dbus_fast import BusType, Message
        from dbus_fast.aio import MessageBus

        bus = await MessageBus(self._address, BusType.SYSTEM).connect()
        try:
            return await bus.call(Message(service.name, service.path, service.interface, member, signature=signature, body=[*body]))
        finally:
            bus.disconnect()


def explain(service: Service, error: str, text: str) -> str:
    """A D-Bus error as a reason with its remedy."""
    if error in _REMEDIES:
        return _REMEDIES[error]
    if error.startswith(_NOBODY):
        return f"{service.name} is not there: this system does not run it, so its part has to be done by hand"
    return f"{service.name} refused: {text or error}"
