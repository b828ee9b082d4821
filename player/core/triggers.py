"""Rules that answer to broadcasts: which of them does, and why the others do not (pure).

A rule answers where everything that it names fits: letters' case does not count, `*` and `?` stand for others as in file names, and
of several words one is enough. The rule of the highest priority wins, of equal ones the earlier in the configuration. A broadcast
counts once, by its id; one that was detected too long ago is nobody's; a rule that answered rests for its cool-down.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from player.core.proof import timestamp

REMEMBERED = 4096  # broadcasts by their ids: some times what a source holds back for us
REFUSED_S = 5.0  # a rule whose items could not be shown rests so long


@dataclass(frozen=True, slots=True)
class Broadcast:
    """What was on television, as `source` tells it; "" and () where it does not say. Instants are seconds since the epoch.

    `genre`: genre and subgenre; `received_at`: when the message came to this box; `preview`: the address of a picture of it.
    """

    source: str
    id: str
    ad_id: str = ""
    brand: str = ""
    description: str = ""
    category: tuple[str, ...] = ()
    channel: str = ""
    region: str = ""
    program: str = ""
    genre: tuple[str, ...] = ()
    duration_s: float | None = None
    self_promo: bool | None = None
    detected_at: float | None = None
    received_at: float = 0.0
    preview: str = ""

    def __str__(self) -> str:
        return f"{self.brand or 'an advertisement'} on {self.channel or 'television'} ({self.source} {self.id})"


@dataclass(frozen=True, slots=True)
class TriggerRule:
    """What is shown when a broadcast fits; the fields are the keys of the configuration's [[trigger]].

    `show` is "content:ID", "playlist:ID", "file:NAME" or "url:ADDRESS"; `zone` a region's id, "" the largest; `seconds` 0: as long
    as it takes; `late_s`: what was detected longer ago is not answered; `delay_s`: how long it is waited before it is shown.
    """

    name: str
    show: str
    brand: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    channel: tuple[str, ...] = ()
    region: tuple[str, ...] = ()
    program: tuple[str, ...] = ()
    genre: tuple[str, ...] = ()
    keyword: tuple[str, ...] = ()
    duration_min: float = 0.0
    duration_max: float = 0.0
    self_promo: bool | None = None
    zone: str = ""
    seconds: float = 0.0
    priority: int = 0
    cooldown_s: float = 30.0
    late_s: float = 10.0
    delay_s: float = 0.0

    def misfit(self, broadcast: Broadcast) -> str | None:
        """What of the broadcast does not fit, in words; None where all of it does."""
        for what, wanted, found in self._words(broadcast):
            if wanted and not any(fits(one, text) for one in wanted for text in found):
                return f"its {what} is {_quoted(found, 'and') or 'not told'}, and not {_quoted(wanted, 'or')}"
        length = broadcast.duration_s
        if (self.duration_min or self.duration_max) and length is None:
            return "its length is not told"
        if length is not None and (length < self.duration_min or 0 < self.duration_max < length):
            return f"it lasts {length:g} s, and not {self.duration_min:g} to {self.duration_max or float('inf'):g}"
        if self.self_promo is not None and bool(broadcast.self_promo) is not self.self_promo:
            return f"it is {'' if broadcast.self_promo else 'not '}a broadcaster's own"
        return None

    @property
    def waits_for(self) -> str:
        """What it answers to, in words."""
        named = [f"the {what} {_quoted(wanted, 'or')}" for what, wanted, _ in self._words(Broadcast("", "")) if wanted]
        if self.duration_min or self.duration_max:
            named.append(f"a length of {self.duration_min:g} to {self.duration_max or float('inf'):g} s")
        if self.self_promo is not None:
            named.append(f"{'' if self.self_promo else 'no '}advertising of the broadcaster's own")
        return f"a broadcast with {', '.join(named)}" if named else "any broadcast"

    def _words(self, seen: Broadcast) -> Iterator[tuple[str, Sequence[str], Sequence[str]]]:
        yield "brand", self.brand, (seen.brand,)
        yield "category", self.category, seen.category
        yield "channel", self.channel, (seen.channel,)
        yield "region", self.region, (seen.region,)
        yield "program", self.program, (seen.program,)
        yield "genre", self.genre, seen.genre
        about = (seen.brand, seen.description, seen.program, *seen.category)
        yield "description", tuple(f"*{one}*" for one in self.keyword), about


def _quoted(texts: Iterable[str], word: str) -> str:
    return f" {word} ".join(f'"{text}"' for text in texts if text)


def fits(pattern: str, text: str) -> bool:
    """Whether a name in a rule means `text`."""
    wanted, found = pattern.casefold(), text.casefold()
    if "*" not in wanted and "?" not in wanted:
        return bool(found) and wanted == found
    form = re.escape(wanted).replace(r"\*", ".*").replace(r"\?", ".")
    return bool(found) and re.fullmatch(form, found, re.DOTALL) is not None


def in_order(rules: Iterable[TriggerRule]) -> list[TriggerRule]:
    """The one that wins first."""
    return sorted(rules, key=lambda rule: -rule.priority)


def likeliest_first(rules: Iterable[TriggerRule], lately: Iterable[Broadcast]) -> list[TriggerRule]:
    """The rule first that would have answered most often; of equal ones the one that wins."""
    ordered = in_order(rules)
    counts = Counter(next((rule.name for rule in ordered if rule.misfit(one) is None), "") for one in lately)
    return sorted(ordered, key=lambda rule: -counts[rule.name])


@dataclass(frozen=True, slots=True)
class Judgement:
    """The rule that answers; where none does, why."""

    rule: TriggerRule | None
    because: str = ""


@dataclass(frozen=True, slots=True)
class RuleStanding:
    """How it stands with a rule.

    `waits_for` in words; `rests_until` (seconds since the epoch), None where it does not rest; `passed_over`: why the last
    broadcast that fits it was not answered by it, "" where it was.
    """

    waits_for: str
    rests_until: float | None = None
    passed_over: str = ""


class TriggerBook:
    """The rules, what they answered to, and which of them rest. `wall` is the source's clock (seconds since the epoch)."""

    def __init__(self, rules: Iterable[TriggerRule]) -> None:
        self.rules = in_order(rules)
        self._seen: dict[str, None] = {}
        self._rests: dict[str, float] = {}
        self._passed_over: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"<{len(self.rules)} triggers, {len(self._seen)} broadcasts seen>"

    def judge(self, broadcast: Broadcast, *, wall: float, mono: float) -> Judgement:
        """Which rule answers; it rests from here on."""
        if broadcast.id in self._seen:
            return Judgement(None, "it came before")
        self._seen[broadcast.id] = None
        if len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]
        verdict = Judgement(None, "no rule fits it" if self.rules else "there are no rules")
        for rule in self.rules:
            if rule.misfit(broadcast) is not None:
                continue
            if verdict.rule is not None:
                self._passed_over[rule.name] = f'the rule "{verdict.rule.name}" answered it, which ranks above'
            elif reason := _late(rule, broadcast, wall) or self._resting(rule, mono):
                self._passed_over[rule.name] = reason
                verdict = Judgement(None, f"{rule.name}: {reason}")
            else:
                self._rests[rule.name] = mono + rule.cooldown_s
                self._passed_over.pop(rule.name, None)
                verdict = Judgement(rule)
        return verdict

    def refused(self, rule: TriggerRule, because: str, mono: float) -> None:
        """What it answered with could not be shown: it may answer again soon."""
        self._rests[rule.name] = mono + min(REFUSED_S, rule.cooldown_s)
        self._passed_over[rule.name] = because

    def standings(self, *, wall: float, mono: float) -> Mapping[str, RuleStanding]:
        """How it stands with each rule, by its name. `wall` is this box's clock."""
        rests = {name: wall + until - mono for name, until in self._rests.items() if until > mono}
        return {
            one.name: RuleStanding(one.waits_for, rests.get(one.name), self._passed_over.get(one.name, "")) for one in self.rules
        }

    def _resting(self, rule: TriggerRule, mono: float) -> str | None:
        left = self._rests.get(rule.name, mono) - mono
        return f"it answered lately, and rests for {left:.0f} s more (cooldown_s)" if left > 0 else None


def _late(rule: TriggerRule, broadcast: Broadcast, wall: float) -> str | None:
    age = 0.0 if broadcast.detected_at is None else wall - broadcast.detected_at
    return f"it was detected {age:.0f} s ago, and late_s is {rule.late_s:g}" if age > rule.late_s else None


def told(rule: TriggerRule, broadcast: Broadcast) -> dict[str, str]:
    """What the proof of play says of why it was shown, `shown_at` excepted."""
    found = {
        "name": rule.name, "source": broadcast.source, "ad_id": broadcast.ad_id, "broadcast_id": broadcast.id,
        "brand": broadcast.brand, "channel": broadcast.channel, "region": broadcast.region,
        "detected_at": "" if broadcast.detected_at is None else timestamp(broadcast.detected_at),
        "received_at": timestamp(broadcast.received_at),
    }  # fmt: skip
    return {name: text for name, text in found.items() if text}
