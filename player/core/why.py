"""Why an item is on air, or is not: one sentence for each item of the programme, with the place to mend it (pure).

The first reason that holds is told, from the programme down to the screen: no rule puts its layout on air; its file or its address
is at fault; the stage keeps it off, or pauses it after a failure; something covers the screen; its turn comes. What stands by for a
trigger waits for its broadcast: nothing says when.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from player.core.applet_layout import beside, named_layouts
from player.core.applets import AppletOn, AppletPlan, AppletRun, AppletTurn, applet_on, turned
from player.core.content import Item, Layout, Manifest, Programme, Region, StandBy
from player.core.cover import Cover
from player.core.faults import Fault, meaning_of
from player.core.onair import Listings, OnAir, Source
from player.core.ports.stage import StageStatus
from player.core.schedule import Facts, Rule, holds, is_known
from player.core.standby import over
from player.core.triggers import RuleStanding

COVERS = {
    Cover.ALERT: "an emergency alert covers it until the alert ends or the server withdraws it",
    Cover.LOCK_PAD: "somebody has the lock pad open: it goes by itself",
    Cover.PAIRING: "the pairing code covers it: enter the code on the server",
    Cover.PROBLEM: "a card covers it that says what is wrong: do what the card says, or see `signage-player status`",
    Cover.SAFE_MODE: "safe mode keeps everything that moves off the screen until an hour has passed without a crash",
}
AT_SERVER = "change it on the server"
IN_MANAGEMENT = "take the applet away over the management API, or see `devices.content`"


@dataclass(frozen=True, slots=True)
class Reason:
    """About one item in one layout; `because` is a sentence. `on_air`: it can be seen, now or when its turn comes.

    `layout`: its id; of what stands by "the trigger" with its name.
    """

    item_id: str
    content_id: str
    name: str
    layout: str
    on_air: bool
    because: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known at `at`: the programme as wanted, what was published of it, faults of items, and what the stage says.

    `triggers`: how it stands with their rules, by name.
    """

    wanted: Programme | Manifest
    published: Manifest | None
    listings: Listings
    at: datetime
    facts: Facts = field(default_factory=dict)
    faults: Sequence[Fault] = ()
    stage: StageStatus | None = None
    triggers: Mapping[str, RuleStanding] = field(default_factory=dict)
    applets: AppletPlan = field(default_factory=AppletPlan)


def explain(evidence: Evidence, asked: str | None) -> tuple[Reason, ...]:
    """Every item of the programme, and what stands by; or those whose id, content id, name or trigger is `asked`.

    Then there is at least one answer.
    """
    wall, plan = evidence.at.timestamp(), evidence.applets
    applet = applet_on(plan, turned(AppletTurn(), plan, wall, 0.0), wall, 0.0)
    paused = {one.item_id for one in evidence.stage.paused} if evidence.stage else set()
    on_air = beside(evidence.listings.at(evidence.at, evidence.facts), plan, applet, paused)
    case = _Case(evidence, on_air, applet)
    found = tuple(
        case.answer(item, layout, region)
        for layout in evidence.wanted.layouts
        for region in layout.regions
        for item in region.playlist.items
        if asked in (None, item.id, item.content_id, item.name)
    ) + tuple(
        case.of_applet(item, layout, run)
        for run, layout in named_layouts(plan)
        for item in _items(layout)
        if asked in (None, item.id, item.content_id, item.name, run.name)
    )
    found += tuple(
        case.answer_of(item, one)
        for one in evidence.wanted.stand_by
        for item in one.items
        if asked in (None, item.id, item.content_id, item.name, one.trigger)
    )
    if found or asked is None:
        return found
    return (Reason(asked, asked, asked, "", False, "not on air: no layout of the programme holds it: add it on the server"),)


class _Case:
    """What is judged by for all items of one question."""

    def __init__(self, evidence: Evidence, on_air: OnAir, applet: AppletOn) -> None:
        self._known, self._on_air, self._applet = evidence, on_air, applet
        self._faults: dict[str, Fault] = {}
        for fault in evidence.faults:
            for key in (fault.item_id, fault.content_id):
                if key is not None:
                    self._faults.setdefault(key, fault)
        published = evidence.published or Manifest("", ())
        self._here = {(layout.id, _bare(item.id)) for layout in published.layouts for item in _items(layout)}
        self._here |= {(_place(one), _bare(item.id)) for one in published.stand_by for item in one.items}
        stage = evidence.stage
        self._playing = {_bare(playing.item_id) for playing in stage.items} if stage else set()
        self._paused = {_bare(one.item_id): one.until for one in stage.paused} if stage else {}
        self._starts = {rule.id: start for rule, start in evidence.listings.timetable.next_starts(evidence.at)}

    def answer(self, item: Item, layout: Layout, region: Region) -> Reason:
        reason = self._off_by_time(layout) or self._off_by_fault(item, layout.id) or self._off_by_stage(item)
        because = f"not on air: {reason}" if reason else self._on(item, region)
        return Reason(item.id, item.content_id, item.name, layout.id, reason is None, because)

    def answer_of(self, item: Item, one: StandBy) -> Reason:
        """Of what stands by."""
        reason = self._off_by_fault(item, _place(one)) or self._off_by_stage(item)
        if reason is None and not self._shows(one):
            reason = self._beaten(one) or self._waiting(one)
        on = "on screen now" if item.id in self._playing else "on air: its turn comes"
        because = f"not on air: {reason}" if reason else f"{on}; {_place(one)} shows it"
        return Reason(item.id, item.content_id, item.name, _place(one), reason is None, because)

    def of_applet(self, item: Item, layout: Layout, run: AppletRun) -> Reason:
        """About the page of an applet. Whose turn it is among several the stage knows, by what it plays."""
        if _bare(item.id) in self._playing:
            return Reason(item.id, item.content_id, item.name, layout.id, True, "on screen now: the management put it on")
        if not run.is_here or self._applet.run is None:
            missing = "its files are not complete here: upload the others over the management API"
            instead = f"not on air: {self._applet.why if run.is_here else missing}"
            return Reason(item.id, item.content_id, item.name, layout.id, False, instead)
        if self._on_air.why.source is not Source.APPLET and item.id not in self._paused:
            instead = f"not on air: {self._on_air.why}; see `devices.content`"
            return Reason(item.id, item.content_id, item.name, layout.id, False, instead)
        is_its_turn = self._on_air.layout == layout or item.id in self._paused
        reason = self._off_by_stage(item) if is_its_turn else f"{self._on_air.why}: its turn or its time comes"
        return Reason(
            item.id,
            item.content_id,
            item.name,
            layout.id,
            reason is None,
            f"not on air: {reason}" if reason else f"on air: {self._on_air.why}",
        )

    # --- the programme

    def _off_by_time(self, layout: Layout) -> str | None:
        if self._on_air.layout is not None and self._on_air.layout.id == layout.id:
            return None
        rules = [rule for rule in self._known.wanted.rules if rule.layout == layout.id]
        instead = self._on_air.layout.id if self._on_air.layout else "nothing"
        if not rules and self._known.wanted.default == layout.id:
            return f"{instead} is on, since {self._on_air.why}{self._until()}"
        if not rules:
            return f"no rule puts the layout {layout.id} on air: give it a schedule on the server"
        return min(self._of_rule(rule) for rule in rules)[1]

    def _of_rule(self, rule: Rule) -> tuple[int, str]:
        """How far the rule is from being on air, and why it is not."""
        if not rule.is_active:
            return 9, f"the rule {rule} is switched off: switch it on on the server"
        if not self._known.listings.has_items(rule.layout):
            return 1, f"the layout {rule.layout} has nothing that could be shown: {AT_SERVER}"
        start = self._starts.get(rule.id)
        if start is None:
            return 8, f"the rule {rule} ended with {rule.end_date}: {AT_SERVER}"
        if start > self._known.at:
            zone = self._known.listings.timetable.zone_of(rule)
            return 5, f"the rule {rule} is on air again from {start.astimezone(zone):%a %d %b %Y %H:%M}: for earlier, {AT_SERVER}"
        remedy = IN_MANAGEMENT if self._on_air.why.source is Source.APPLET else AT_SERVER
        return self._of_condition(rule) or (0, f"{self._on_air.why}, which ranks above the rule {rule}{self._until()}: {remedy}")

    def _of_condition(self, rule: Rule) -> tuple[int, str] | None:
        zone = self._known.listings.timetable.zone_of(rule)
        for condition in rule.conditions:
            if not is_known(condition, self._known.facts):
                remedy = "set `time.country`" if condition.type == "day_type" else AT_SERVER
                return 2, f'the condition "{condition}" of the rule {rule} cannot be judged on this device: {remedy}'
            if not holds(condition, self._known.at, zone, self._known.facts):
                return 3, f'the condition "{condition}" of the rule {rule} is not met: {AT_SERVER}'
        return None

    def _until(self) -> str:
        return f" until {self._on_air.until:%Y-%m-%d %H:%M:%S} UTC" if self._on_air.until else ""

    # --- what it needs

    def _off_by_fault(self, item: Item, place: str) -> str | None:
        if (place, item.id) in self._here:
            return None
        fault = self._faults.get(item.id) or self._faults.get(item.content_id)
        if fault:
            return f"{fault.message} ({fault.code}): {meaning_of(fault.code).remedy}"
        return "its file is not here yet, or those of its layout are not complete: wait, and see the network in `status`"

    # --- the screen

    def _off_by_stage(self, item: Item) -> str | None:
        stage = self._known.stage
        if stage is None:
            return "the stage is not running: it is started again by itself; see `signage-player doctor`"
        fault = next((one for one in stage.faults if one.code == "quarantined" and one.item_id == item.id), None)
        if fault:
            return f"{fault.message}: {meaning_of(fault.code).remedy}"
        if item.id in self._paused:
            until = f"{datetime.fromtimestamp(self._paused[item.id], UTC):%H:%M:%S} UTC"
            failed = self._faults.get(item.id)
            words = f"{failed.message} ({failed.code}): {meaning_of(failed.code).remedy}" if failed else "it could not be shown"
            return f"it is paused after a failure until {until}; {words}"
        if not stage.screen_on:
            return "the screen is switched off: `signage-player set screen_on on`"
        return COVERS.get(stage.cover)

    def _beaten(self, one: StandBy) -> str | None:
        """By what another trigger shows now in the same place."""
        zone = over(self._on_air.layout, one).regions[0].id
        for other in self._known.wanted.stand_by:
            is_above = other.priority >= one.priority and over(self._on_air.layout, other).regions[0].id == zone
            if is_above and self._shows(other):
                return f"{_place(other)} is on screen, and its priority of {other.priority} is not below its own, {one.priority}"
        return None

    def _shows(self, one: StandBy) -> bool:
        return any(item.id in self._playing for item in one.items)

    def _waiting(self, one: StandBy) -> str:
        standing = self._known.triggers.get(one.trigger)
        if standing is None:
            return f"no rule of the configuration is named {one.trigger}: it goes with the next answer of the server"
        passed = f"; the last that came was passed over: {standing.passed_over}" if standing.passed_over else ""
        if standing.rests_until is not None:
            until = f"{datetime.fromtimestamp(standing.rests_until, UTC):%H:%M:%S} UTC"
            return f"its rule answered lately, and rests until {until}: for less, lower its cooldown_s{passed}"
        stage = self._known.stage
        how = "kept ready out of sight" if stage and one.trigger in stage.ready else "loaded when that comes"
        return f"it waits for {standing.waits_for}, and is {how}{passed}"

    def _on(self, item: Item, region: Region) -> str:
        now = "heard now" if item.kind.is_unseen else "on screen now"
        seen = now if item.id in self._playing else f"on air: its turn comes in the region {region.id}"
        why = f"{self._on_air.why}{self._until()}" if self._on_air.why.source is not Source.NOTHING else "it is in the programme"
        return f"{seen}; {why}"


def _items(layout: Layout) -> Iterator[Item]:
    return (item for region in layout.regions for item in region.playlist.items)


def _place(one: StandBy) -> str:
    return f"the trigger {one.trigger}"


def _bare(item_id: str) -> str:
    """The item of the programme that a page of a document belongs to."""
    head, _, page = item_id.rpartition("/")
    return head if head and page.isdecimal() else item_id
