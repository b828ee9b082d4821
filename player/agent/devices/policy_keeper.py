"""Policies of this box: kept, and enforced again whenever something drifts from what they say.

`policy_rules` brings about what an item says, in the policy's name. An item that this box cannot follow is a violation, with the
reason in the log once; the rest of its policy holds all the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from player.agent.devices.policy_items import names_of
from player.agent.devices.policy_rules import PolicyRules
from player.agent.devices.records_file import RecordsFile
from player.agent.devices.refusals import Declined, conflict, not_found
from player.core.policies import Holding, Policy, PolicyAssignment, in_force
from player.core.ports.box import Clock
from player.errors import SignageError
from player.runtime.tasks import Mistakes
from player.store import Snapshot

log = logging.getLogger(__name__)
MOST_POLICIES, MOST_ASSIGNED = 50, 20
LOOK_S = 60.0


@dataclass(frozen=True, slots=True)
class ItemStatus:
    """Whether an item of a policy is followed since `updated_at` (seconds since the epoch), and why not."""

    policy: str
    kind: str
    success: bool
    updated_at: float
    reason: str = ""


class PolicyKeeper:
    """`folder` keeps the policies and which of them are assigned."""

    def __init__(self, folder: Path, clock: Clock, look_s: float = LOOK_S) -> None:
        self._clock, self._look_s = clock, look_s
        self.records = RecordsFile(folder / "policies.json", Policy, "policy", MOST_POLICIES)
        self._file = Snapshot(folder / "assigned.json", tuple[PolicyAssignment, ...])
        self.assigned: Sequence[PolicyAssignment] = self._file.read_or(())
        self._statuses: dict[str, ItemStatus] = {}
        self._wake = asyncio.Event()
        self._mistakes = Mistakes()

    def holding(self) -> Mapping[str, Holding]:
        """By the item's kind: what is in force."""
        return in_force({policy.uid: policy for policy in self.records.all()}, self.assigned)

    def held_by(self, what: str) -> str:
        """The name of the policy that holds a setting, or another kind of item as a whole; "" where none does."""
        for held in self.holding().values():
            with contextlib.suppress(Declined):
                if what in names_of(held.item):
                    return held.policy.name
        return ""

    def statuses(self) -> Sequence[ItemStatus]:
        """Of each item that is in force and was looked at."""
        held = self.holding()
        return [status for kind, status in self._statuses.items() if kind in held and held[kind].policy.uid == status.policy]

    def put(self, policy: Policy) -> None:
        """Keeps a policy, and has it followed. Raises Declined, StorageError."""
        self.records.put(policy)
        self._wake.set()

    def assign(self, uid: str, priority: int) -> None:
        """This device follows it. Raises Declined, StorageError."""
        self.records.get(uid)
        others = [one for one in self.assigned if one.uid != uid]
        if len(others) >= MOST_ASSIGNED:
            raise conflict(f"{MOST_ASSIGNED} policies are assigned at most")
        self._keep((*others, PolicyAssignment(uid, priority, self.now())))

    def unassign(self, uid: str) -> None:
        """It does not any more; settings stay as they are. Raises Declined, StorageError."""
        if uid not in {one.uid for one in self.assigned}:
            raise not_found("policy of that uid assigned to this device")
        self._keep([one for one in self.assigned if one.uid != uid])

    def _keep(self, assigned: Sequence[PolicyAssignment]) -> None:
        self._file.write(tuple(assigned))
        self.assigned = tuple(assigned)
        self._wake.set()

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._clock.now().timestamp()

    # --- how they are followed

    async def run(self, rules: PolicyRules) -> None:
        """Looks after every change and every minute, for ever."""
        while True:
            self._wake.clear()
            await self.look(rules)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._look_s):
                    await self._wake.wait()

    async def look(self, rules: PolicyRules) -> None:
        """Has every item in force followed. What is taken away while one before it is followed, is not."""
        for kind, held in self.holding().items():
            if self.holding().get(kind) != held:
                continue
            try:
                with self._mistakes.kept_to(f"the policy's {kind}"):
                    await rules.follow(held)
            except SignageError as error:
                self._note(kind, held, str(error))
            else:
                self._note(kind, held, "")

    def _note(self, kind: str, held: Holding, reason: str) -> None:
        before = self._statuses.get(kind)
        status = ItemStatus(held.policy.uid, kind, not reason, self.now(), reason)
        if before is not None and replace(before, updated_at=0) == replace(status, updated_at=0):
            return
        self._statuses[kind] = status
        if reason:
            log.warning('the policy "%s" is not followed (%s): %s', held.policy.name, kind, reason)
