"""The device itself: what it is, its name, whether it is alive, who it says it is, its PIN, its organization, its end here."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from player.agent.control.access import Scope, TokenStore
from player.agent.devices import bodies, wire
from player.agent.devices.about import AboutFile
from player.agent.devices.asking import Asking, lacking, leading_to, saying
from player.agent.devices.call import ApiAnswer, ApiCall, Row
from player.agent.devices.device_filters import Belongings, is_meant
from player.agent.devices.refusals import not_found
from player.agent.devices.wire import BoxFacts, BoxNow
from player.agent.settings.screen_lock import ScreenLock
from player.core.actions import ActionKind
from player.core.ports.box import Absent

V1, V2 = "/v1/device/{device}", "/v2/device/{device}"
SHORTEST_HASH = 6
MOST = 1000  # devices on a page
NO_CLOUD = Absent(
    "configuration", "this box is asked over HTTP at its own address, and calls no cloud whose addresses could be set"
)


class DeviceCalls:
    """`now` reads what changes about the box; `shown_id` is what the screen shows of its identity.

    `applets` and `policies` are the uids of those that this box has.
    """

    def __init__(
        self, facts: BoxFacts, now: Callable[[], Awaitable[BoxNow]], about: AboutFile, asking: Asking, lock: ScreenLock,
        tokens: TokenStore, shown_id: str, *, applets: Callable[[], Collection[str]], policies: Callable[[], Collection[str]],
    ) -> None:  # fmt: skip
        self._facts, self._now, self._about, self._asking = facts, now, about, asking
        self._lock, self._tokens, self._shown_id = lock, tokens, shown_id
        self._applets, self._policies = applets, policies

    def rows(self) -> Sequence[Row]:
        """What leads to these calls."""
        read, control, admin = Scope.READ, Scope.CONTROL, Scope.ADMIN
        return (
            Row("GET", "/v1/device", self.all_v1, read),
            Row("GET", "/v2/device", self.all_v2, read),
            Row("GET", V1, self.one_v1, read),
            Row("GET", V2, self.one_v2, read),
            Row("PUT", V1, self.rename, control),
            Row("PUT", V2, self.configure, control),
            Row("GET", "/v1/device/alive", self.all_alive, read),
            Row("GET", f"{V1}/alive", self.alive, read),
            Row("GET", f"{V1}/authentication", self.authentication, read),
            Row("GET", "/v1/device/authentication/{hash}", self.by_hash, read),
            Row("GET", f"{V1}/pin-code", self.pin, control),
            Row("PUT", f"{V1}/pin-code", self.fresh_pin, admin),
            Row("GET", f"{V1}/storage", self.storage, read),
            Row("GET", f"{V1}/action-log", self._asking.history, read),
            Row("POST", "/v1/device/verification", self.verify, control),
            Row("GET", "/v1/device/verification/{uid}", self.verification, read),
            Row("PUT", f"{V1}/deprovision", self.deprovision, admin),
            Row("GET", "/v1/organization", self.organizations, read),
            Row("GET", "/v1/organization/{uid}", self.organization, read),
        )

    # --- what it is

    async def all_v1(self, call: ApiCall) -> ApiAnswer:
        """A list of one, or of none where it was asked for others."""
        return await self._listed(call, (await self.one_v1(call)).body, "createdSince", "createdUntil")

    async def all_v2(self, call: ApiCall) -> ApiAnswer:
        """As in version 1."""
        return await self._listed(call, (await self.one_v2(call)).body, "since", "until")

    async def _listed(self, call: ApiCall, device: Mapping[str, object], since: str, until: str) -> ApiAnswer:
        macs = [one.mac for one in (await self._now()).interfaces]
        has = Belongings((*macs, self._shown_id), self._about.current.tags, self._applets(), self._policies())
        found = [device] if is_meant(call, device, has) else []
        return call.paged(found, lambda _: self._facts.created_at, lambda one: one, since=since, until=until, most=MOST)

    async def one_v1(self, call: ApiCall) -> ApiAnswer:
        """With its PIN for whoever may have it."""
        may = Scope[call.token.scope.upper()] >= Scope.CONTROL
        return ApiAnswer(wire.device_v1(self._facts, await self._now(), self._known_pin() if may else ""))

    async def one_v2(self, _: ApiCall) -> ApiAnswer:
        """As version 2 has it, without its PIN."""
        return ApiAnswer(wire.device_v2(self._facts, await self._now()))

    async def rename(self, call: ApiCall) -> ApiAnswer:
        """{name}."""
        self._call_it(call, call.read(bodies.RenameBody).name)
        return ApiAnswer()

    async def configure(self, call: ApiCall) -> ApiAnswer:
        """What is given changes; what would have this box call a cloud fails with the reason."""
        wanted = call.read(bodies.ConfigureBody)
        if wanted.name is not None:
            self._call_it(call, wanted.name)
        if wanted.management is not None:
            url = wanted.management or None
            self._asking.ask(call, ActionKind.EXTENDED_MANAGEMENT, {"url": url}, leading_to(self._about, url))
        of_cloud = wanted.model_dump(by_alias=True, exclude={"name", "management"}, exclude_none=True)
        if of_cloud:
            is_so = of_cloud == {"connectionMethod": "http"}
            effect = saying("this box is asked over HTTP") if is_so else lacking(NO_CLOUD)
            self._asking.ask(call, ActionKind.CONFIGURATION, of_cloud, effect)
        return ApiAnswer()

    def _call_it(self, call: ApiCall, name: str) -> None:
        self._about.change(name=name)
        self._asking.note(call, ActionKind.NAME, {"name": name}, f'the device is called "{name}"')

    async def all_alive(self, call: ApiCall) -> ApiAnswer:
        """Of the devices that are asked for (`deviceUids`): this one, or none."""
        wanted = call.devices()
        found = [(await self.alive(call)).body] if wanted is None or self._facts.uid in wanted else []
        return call.paged(found, lambda _: self._facts.created_at, lambda one: one, most=MOST)

    async def alive(self, _: ApiCall) -> ApiAnswer:
        """Who answers is alive."""
        return ApiAnswer(wire.alive(self._facts, await self._now()))

    async def storage(self, _: ApiCall) -> ApiAnswer:
        """Bytes of the disk that media are kept on."""
        return ApiAnswer(wire.storage(await self._now()))

    # --- who it says it is

    async def authentication(self, _: ApiCall) -> ApiAnswer:
        """What an applet is told that it runs on."""
        return ApiAnswer(self._authentication())

    async def by_hash(self, call: ApiCall) -> ApiAnswer:
        """By the first six characters of that, or more."""
        given = call.pieces["hash"]
        if len(given) < SHORTEST_HASH or not self._facts.auth_hash.startswith(given):
            raise not_found("device with that authentication hash")
        return ApiAnswer(self._authentication())

    def _authentication(self) -> Mapping[str, object]:
        created_at = wire.instant(self._facts.created_at)
        return {"deviceUid": self._facts.uid, "authHash": self._facts.auth_hash, "createdAt": created_at}

    async def verify(self, call: ApiCall) -> ApiAnswer:
        """{verificationHash}: what the screen shows as the box's id."""
        given = call.read(bodies.VerificationBody).hash
        if given != self._shown_id:
            raise not_found("device that shows this hash")
        return call.made("/v1/device/verification", given)

    async def verification(self, call: ApiCall) -> ApiAnswer:
        """Whoever holds a token of this box has been verified by whoever made it."""
        uid = call.pieces["uid"]
        if uid != self._shown_id:
            raise not_found("verification of that uid")
        at = wire.instant(self._facts.created_at)
        return ApiAnswer({"uid": uid, "deviceUid": self._facts.uid, "hash": uid, "createdAt": at, "verifiedAt": at})

    # --- its PIN

    async def pin(self, _: ApiCall) -> ApiAnswer:
        """The PIN, where the management made it: one that was set elsewhere is kept as a hash alone."""
        known = self._known_pin()
        if not known:
            raise not_found("PIN that could be told; PUT makes a fresh one")
        return ApiAnswer({"deviceUid": self._facts.uid, "pinCode": known})

    async def fresh_pin(self, call: ApiCall) -> ApiAnswer:
        """Another PIN of four digits for the controls at the box, which stay open or closed as they are."""
        fresh = f"{secrets.randbelow(10_000):04d}"
        await self._lock.command(locked=self._lock.locked, pin=fresh)
        self._about.change(pin=fresh, pin_mark=self._lock.pin_mark)
        self._asking.note(call, ActionKind.PIN, {}, "the box has a fresh PIN")
        return ApiAnswer()

    def _known_pin(self) -> str:
        """The PIN that was made here, "" where the box has another one since."""
        about = self._about.current
        return about.pin if about.pin_mark and about.pin_mark == self._lock.pin_mark else ""

    # --- as managed

    async def deprovision(self, call: ApiCall) -> ApiAnswer:
        """Ends every token of this API, and nothing else: pairing, content and settings stay as they are."""
        ended = self._tokens.revoke_managing()
        self._asking.note(call, ActionKind.DEPROVISION, {}, f"{ended} tokens of the management API were revoked")
        return ApiAnswer()

    async def organizations(self, call: ApiCall) -> ApiAnswer:
        """The box's one."""
        return ApiAnswer([self._organization(call)])

    async def organization(self, call: ApiCall) -> ApiAnswer:
        """The client takes from here what it signs further calls with: the caller's own token."""
        if call.pieces["uid"] != self._facts.organization:
            raise not_found("organization of that uid")
        return ApiAnswer(self._organization(call))

    def _organization(self, call: ApiCall) -> Mapping[str, object]:
        return {
            "uid": self._facts.organization, "name": "this-box", "title": "This box",
            "createdAt": wire.instant(self._facts.created_at),
            "oauthClientId": call.token.id, "oauthClientSecret": call.secret,
        }  # fmt: skip
