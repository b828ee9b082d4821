"""Names looked up, and only what may be opened comes back: where `core.address_policy` meets the name service.

Look-ups have threads of their own, so that a name service that is slow, asked for many names by a page, holds up nothing else.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from player.core.address_policy import AddressPolicy, Call, Sort, sort_of, written_address
from player.errors import ContentError, ServerUnreachable

Resolve = Callable[[str, int], Awaitable[list[str]]]  # a host and a port -> addresses, the best first; raises OSError

RESOLVE_S = 5.0
AT_ONCE = 16
LOOK_AGAIN_S = 60.0  # how long it holds where the server's own name leads
LOCAL = (".local", ".localhost")


class Lookup:
    """Finds the addresses of hosts, as far as `policy` opens them; `resolve` asks the name service."""

    def __init__(self, policy: AddressPolicy, resolve: Resolve) -> None:
        self.policy, self._resolve = policy, resolve
        self._seen: frozenset[Sort] = frozenset()  # the sorts of all addresses that the server's name has led to
        self._looked_at = float("-inf")

    async def addresses(self, call: Call) -> list[str]:
        """Where `call` may be opened, one at least, the best first. Raises ContentError `forbidden_address`, ServerUnreachable."""
        return await self._judged(call, await self.find(call.host, call.port))

    async def behind_a_proxy(self, call: Call) -> None:
        """What a proxy alone can resolve is left to it; addresses that are written out, and local names, are judged as ever.

        Raises ContentError `forbidden_address`.
        """
        written = written_address(call.name)
        if written is not None:
            await self._judged(call, [str(written)])
        elif "." not in call.name or call.name.endswith(LOCAL):
            try:
                found = await self.find(call.host, call.port)
            except ServerUnreachable:
                return  # no name of this network
            await self._judged(call, found)

    async def find(self, host: str, port: int) -> list[str]:
        """All addresses of `host`, whatever they are. Raises ServerUnreachable."""
        written = written_address(host)
        if written is not None:
            return ["127.0.0.1", "::1"] if host.rstrip(".").lower().endswith("localhost") else [str(written)]
        try:
            async with asyncio.timeout(RESOLVE_S):
                found = await self._resolve(host, port)
        except TimeoutError as error:
            raise ServerUnreachable(host, f"its name was not resolved within {RESOLVE_S:.0f} s") from error
        except (OSError, UnicodeError) as error:
            raise ServerUnreachable(host, f"its name cannot be resolved ({error})") from error
        if not found:
            raise ServerUnreachable(host, "its name leads to no address")
        return found

    def refusal(self, call: Call, address: str) -> str | None:
        """Why `call` must not be opened there, by what is known of the server's name so far."""
        ours = call.port in self.policy.listeners and is_ours(address)
        return self.policy.refusal(call, address, ours=ours, seen=self._seen)

    async def _judged(self, call: Call, found: list[str]) -> list[str]:
        reasons = [self.refusal(call, address) for address in found]
        if any(reasons) and self.policy.goes_by_looks and Sort.PRIVATE in map(sort_of, found):
            await self._look_at_the_server()
            reasons = [self.refusal(call, address) for address in found]
        allowed = [address for address, reason in zip(found, reasons, strict=True) if reason is None]
        if not allowed:
            raise ContentError("forbidden_address", call.host, next(reason for reason in reasons if reason), transient=False)
        return allowed

    async def _look_at_the_server(self) -> None:
        """Where its name leads: asked again after a while, and whatever it ever led to is remembered."""
        server = self.policy.server_call
        if server is None or time.monotonic() - self._looked_at < LOOK_AGAIN_S:
            return
        try:
            found = await self.find(server.host, server.port)
        except ServerUnreachable:
            return
        self._looked_at = time.monotonic()
        self._seen |= {sort_of(address) for address in found}


def by_the_system() -> Resolve:
    """The system's own name service, asked in threads that nobody else waits for."""
    threads = ThreadPoolExecutor(AT_ONCE, "names")

    async def resolve(host: str, port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(threads, _resolve, host, port)
        return list(dict.fromkeys(found))

    return resolve


def _resolve(host: str, port: int) -> list[str]:
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def is_ours(address: str) -> bool:
    """Whether `address` is one of this box's own: no other can be bound."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as trial:
        try:
            trial.bind((address, 0))
        except OSError:
            return False
    return True
