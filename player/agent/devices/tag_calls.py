"""Tags of the organization and of this device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

from player.agent.control.access import Scope
from player.agent.devices import bodies, wire
from player.agent.devices.about import AboutFile
from player.agent.devices.call import ApiAnswer, ApiCall, Row
from player.agent.devices.labels import Labels, Tag
from player.agent.devices.refusals import bad_field
from player.core.ports.box import Clock

TAG, OWN = "/v1/organization-tag", "/v1/device/{device}/organization-tag"


class TagCalls:
    """`organization` is the one that everything belongs to."""

    def __init__(self, labels: Labels, about: AboutFile, clock: Clock, organization: str) -> None:
        self._tags, self._places = labels.tags, labels.places
        self._about, self._clock, self._organization = about, clock, organization

    def rows(self) -> Sequence[Row]:
        """What leads to these calls."""
        read, control = Scope.READ, Scope.CONTROL
        return (
            Row("GET", TAG, self.tags, read),
            Row("POST", TAG, self.make_tag, control),
            Row("GET", f"{TAG}/{{tag}}", self.tag, read),
            Row("PUT", f"{TAG}/{{tag}}", self.change_tag, control),
            Row("DELETE", f"{TAG}/{{tag}}", self.remove_tag, control),
            Row("GET", OWN, self.own_tags, read),
            Row("PUT", f"{OWN}/{{tag}}", self.take_tag, control),
            Row("DELETE", f"{OWN}/{{tag}}", self.drop_tag, control),
        )

    async def tags(self, call: ApiCall) -> ApiAnswer:
        """The labels that there are, by pages."""
        return call.paged(self._tags.all(), lambda one: one.created_at, self._tag)

    async def make_tag(self, call: ApiCall) -> ApiAnswer:
        """{name, color, parentTagUid}."""
        wanted = call.read(bodies.TagBody)
        self._check_parent(wanted.parent)
        made = Tag(uuid4().hex, self._tags.next_at(self._now()), wanted.name, wanted.color, wanted.parent)
        self._tags.put(made)
        return call.made(TAG, made.uid)

    async def tag(self, call: ApiCall) -> ApiAnswer:
        """The one of that uid."""
        return ApiAnswer(self._tag(self._tags.get(call.pieces["tag"])))

    async def change_tag(self, call: ApiCall) -> ApiAnswer:
        """What is given changes."""
        held, wanted = self._tags.get(call.pieces["tag"]), call.read(bodies.TagBody)
        self._check_parent(wanted.parent, held.uid)
        self._tags.put(replace(
            held, name=wanted.name, color=wanted.color if "color" in call.body else held.color,
            parent=wanted.parent if "parentTagUid" in call.body else held.parent,
        ))  # fmt: skip
        return ApiAnswer()

    async def remove_tag(self, call: ApiCall) -> ApiAnswer:
        """It is taken off everything as well."""
        uid = self._tags.get(call.pieces["tag"]).uid
        self._tags.remove(uid)
        for below in self._tags.all():
            if below.parent == uid:
                self._tags.put(replace(below, parent=None))
        for place in self._places.all():
            if uid in place.tags:
                self._places.put(replace(place, tags=tuple(tag for tag in place.tags if tag != uid)))
        self._keep_own_tags({tag: at for tag, at in self._about.current.tags.items() if tag != uid})
        return ApiAnswer()

    async def own_tags(self, call: ApiCall) -> ApiAnswer:
        """Those of this device."""
        own = [tag for tag in self._tags.all() if tag.uid in self._about.current.tags]
        return call.paged(own, lambda one: one.created_at, self._tag)

    async def take_tag(self, call: ApiCall) -> ApiAnswer:
        """The device gets it."""
        uid = self._tags.get(call.pieces["tag"]).uid
        self._keep_own_tags({**self._about.current.tags, uid: self._now()})
        return ApiAnswer()

    async def drop_tag(self, call: ApiCall) -> ApiAnswer:
        """The device loses it."""
        uid = self._tags.get(call.pieces["tag"]).uid
        self._keep_own_tags({tag: at for tag, at in self._about.current.tags.items() if tag != uid})
        return ApiAnswer()

    def _keep_own_tags(self, tags: Mapping[str, float]) -> None:
        if tags.keys() != self._about.current.tags.keys():
            self._about.change(tags=tags)

    def _check_parent(self, uid: str | None, own: str = "") -> None:
        """A parent is there, and not below the tag itself."""
        seen = {own}
        while uid is not None:
            if uid in seen:
                raise bad_field("parentTagUid", "a tag cannot stand below itself")
            seen.add(uid)
            uid = self._tags.get(uid).parent

    def _tag(self, tag: Tag) -> dict[str, Any]:
        return {
            "uid": tag.uid, "name": tag.name, "organizationUid": self._organization, "color": tag.color, "parentTagUid": tag.parent,
            "createdAt": wire.instant(tag.created_at),
        }  # fmt: skip

    def _now(self) -> float:
        return self._clock.now().timestamp()
