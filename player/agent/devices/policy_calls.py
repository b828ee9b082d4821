"""Policies: made, changed, copied, put away; assigned to this device; and whether each of their items is followed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

from player.agent.control.access import Scope
from player.agent.devices import bodies, wire
from player.agent.devices.asking import Asking
from player.agent.devices.call import ApiAnswer, ApiCall, Row
from player.agent.devices.policy_items import check
from player.agent.devices.policy_keeper import ItemStatus, PolicyKeeper
from player.agent.devices.refusals import not_found
from player.core.actions import ActionKind
from player.core.policies import Policy, PolicyItem

POLICY, DEVICE = "/v1/policy", "/v1/device/{device}"


class PolicyCalls:
    """`device` is the box's uid."""

    def __init__(self, device: str, keeper: PolicyKeeper, asking: Asking) -> None:
        self._device, self._keeper, self._asking = device, keeper, asking

    def rows(self) -> Sequence[Row]:
        """What leads to these calls."""
        read, control = Scope.READ, Scope.CONTROL
        return (
            Row("GET", POLICY, self.all, read),
            Row("POST", POLICY, self.make, control),
            Row("GET", f"{POLICY}/{{policy}}", self.one, read),
            Row("PUT", f"{POLICY}/{{policy}}", self.change, control),
            Row("PUT", f"{POLICY}/{{policy}}/clone", self.copy, control),
            Row("PUT", f"{POLICY}/{{policy}}/archive", self.archive, control),
            Row("GET", f"{DEVICE}/policy", self.assigned, read),
            Row("POST", f"{DEVICE}/policy", self.assign, control),
            Row("GET", f"{DEVICE}/policy/{{policy}}", self.assigned_one, read),
            Row("DELETE", f"{DEVICE}/policy/{{policy}}", self.unassign, control),
            Row("GET", f"{DEVICE}/policy-status", self.statuses, read),
            Row("GET", f"{DEVICE}/policy-status/{{policy}}/item/{{kind}}", self.status, read),
        )

    async def all(self, call: ApiCall) -> ApiAnswer:
        """Those in use, or with `archived` those that are not, by pages."""
        archived = call.truth("archived", otherwise=False)
        found = [policy for policy in self._keeper.records.all() if policy.archived == archived]
        return call.paged(found, lambda one: one.created_at, _policy, since="createdSince", until="createdUntil")

    async def make(self, call: ApiCall) -> ApiAnswer:
        """{name, items}."""
        wanted = call.read(bodies.NamedBody)
        made = Policy(uuid4().hex, self._keeper.records.next_at(self._keeper.now()), wanted.name, self._items(wanted.items))
        self._keeper.put(made)
        return call.made(POLICY, made.uid)

    async def one(self, call: ApiCall) -> ApiAnswer:
        """The one of that uid."""
        return ApiAnswer(_policy(self._found(call)))

    async def change(self, call: ApiCall) -> ApiAnswer:
        """{name, items, note}: what is given changes."""
        held, wanted = self._found(call), call.read(bodies.PolicyBody)
        items = held.items if wanted.items is None else self._items(wanted.items)
        note = wanted.note if "note" in call.body else held.note
        self._keeper.put(replace(held, name=wanted.name or held.name, items=items, note=note))
        return ApiAnswer()

    async def copy(self, call: ApiCall) -> ApiAnswer:
        """{name}: another one with the same items."""
        held, wanted = self._found(call), call.read(bodies.NamedBody)
        at = self._keeper.records.next_at(self._keeper.now())
        made = Policy(uuid4().hex, at, wanted.name, held.items, f"Cloned from policy {held.name}")
        self._keeper.put(made)
        return call.made(POLICY, made.uid)

    async def archive(self, call: ApiCall) -> ApiAnswer:
        """{archived}: an archived one holds nothing."""
        self._keeper.put(replace(self._found(call), archived=call.read(bodies.ArchivedBody).archived))
        return ApiAnswer()

    # --- of this device

    async def assigned(self, _: ApiCall) -> ApiAnswer:
        """Which, and how they rank."""
        return ApiAnswer([
            {"uid": one.uid, "priority": one.priority, "assignedAt": wire.instant(one.assigned_at)} for one in self._keeper.assigned
        ])  # fmt: skip

    async def assign(self, call: ApiCall) -> ApiAnswer:
        """{uid, priority}."""
        wanted = call.read(bodies.AssignedBody)
        self._keeper.assign(wanted.uid, wanted.priority)
        name = self._keeper.records.get(wanted.uid).name
        self._asking.note(call, ActionKind.POLICY, {"policyUid": wanted.uid, "priority": wanted.priority}, f'"{name}" is assigned')
        return ApiAnswer()

    async def assigned_one(self, call: ApiCall) -> ApiAnswer:
        """One that is assigned."""
        if call.pieces["policy"] not in {one.uid for one in self._keeper.assigned}:
            raise not_found("policy of that uid assigned to this device")
        return ApiAnswer(_policy(self._found(call)))

    async def unassign(self, call: ApiCall) -> ApiAnswer:
        """The settings stay as they are."""
        uid = call.pieces["policy"]
        self._keeper.unassign(uid)
        self._asking.note(call, ActionKind.POLICY, {"policyUid": uid, "priority": None}, "a policy is assigned no more")
        return ApiAnswer()

    async def statuses(self, call: ApiCall) -> ApiAnswer:
        """Of each item in force (`policyUid`, `itemType`): whether it is followed."""
        policy, kind = call.text("policyUid"), call.text("itemType")
        found = self._keeper.statuses()
        return ApiAnswer([self._status(one) for one in found if policy in (None, one.policy) and kind in (None, one.kind)])

    async def status(self, call: ApiCall) -> ApiAnswer:
        """The one of that uid."""
        policy, kind = call.pieces["policy"], call.pieces["kind"]
        for one in self._keeper.statuses():
            if (one.policy, one.kind) == (policy, kind):
                return ApiAnswer(self._status(one))
        raise not_found("item of that policy in force")

    def _found(self, call: ApiCall) -> Policy:
        return self._keeper.records.get(call.pieces["policy"])

    def _items(self, given: Sequence[bodies.PolicyItemBody]) -> tuple[PolicyItem, ...]:
        at = round(self._keeper.now(), 3)
        for item in given:
            check(item.type, item.value)
        return tuple(PolicyItem(item.type, item.value, at) for item in given)

    def _status(self, status: ItemStatus) -> dict[str, Any]:
        return {
            "deviceUid": self._device, "policyUid": status.policy, "itemType": status.kind, "success": status.success,
            "updatedAt": wire.instant(status.updated_at), "reason": status.reason or None,
        }  # fmt: skip


def _policy(policy: Policy) -> dict[str, Any]:
    return {
        "uid": policy.uid, "name": policy.name, "createdAt": wire.instant(policy.created_at), "note": policy.note or "",
        "items": [{"type": item.kind, "value": item.value, "updatedAt": wire.instant(item.updated_at)} for item in policy.items],
    }  # fmt: skip
