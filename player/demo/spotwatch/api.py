"""The paths of Spotwatch's document, each a function of its arguments: called directly, in a batch, or by a masked path."""

from __future__ import annotations

import inspect
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from player.core.ports.box import Clock
from player.demo.spotwatch.day import CHANNELS, DayAd, advertisements
from player.demo.spotwatch.push import QUEUE, Endpoint, PushTo
from player.demo.spotwatch.replay import Replay, Seen
from player.demo.spotwatch.wire import (
    TIME_FORMATS,
    Arguments,
    SpotwatchDeclined,
    Writer,
    csv,
    moment,
    needed,
    whole,
    words,
)

EMAIL, PASSWORD = "demo@example.com", "demonstration"
PAGE, LARGEST = 200, 100_000
TTL_S = 7200.0


@dataclass(slots=True)
class Mask:
    """A path and arguments behind a path that says nothing of them."""

    path: str
    arguments: dict[str, Any]
    until: float
    calls: int = -1
    allow_args: bool = False


@dataclass(slots=True)
class SpotwatchPaths:
    """`key` may do everything. What is answered is an object, a list, or text."""

    key: str
    replay: Replay
    push: PushTo
    clock: Clock
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/Berlin"))
    masks: dict[str, Mask] = field(default_factory=dict)

    async def call(self, path: str, arguments: Arguments) -> Any:
        """The answer. Raises SpotwatchDeclined."""
        mask = self.masks.get(path)
        if mask is not None:
            return await self._unmasked(path, mask, arguments)
        if path == "/get-api-key":
            return self._api_key(arguments)
        found: Callable[[Arguments], Any | Awaitable[Any]] | None = self._paths().get(path)
        if found is None:
            raise SpotwatchDeclined(f"Unknown request [{path}].", 404)
        if "key" not in arguments:
            needed(arguments, "key")
        if arguments["key"] != self.key:
            raise SpotwatchDeclined("Invalid API key.", 403)
        answer = found(arguments)
        return await answer if inspect.isawaitable(answer) else answer

    def _paths(self) -> dict[str, Callable[[Arguments], Any]]:
        return {
            "/set-timezone-for-api-key": self._set_zone, "/get-ad": self._ad, "/get-ads": self._ads,
            "/get-broadcast": self._broadcast, "/get-broadcasts": self._broadcasts,
            "/get-broadcasts-for-ad": self._broadcasts_for_ad, "/get-block": self._block, "/get-blocks": self._blocks,
            "/batch": self._batch, "/mask": self._mask, "/set-push-broadcast": self._set_push,
            "/delete-push-broadcast": self._delete_push, "/get-message-queue": self._message_queue,
            "/get-all-regions": lambda _: sorted(CHANNELS), "/get-all-channels": self._channels,
            "/get-tracked-channels": self._channels,
            "/get-all-categories": lambda _: sorted({ad.category for ad in advertisements()}),
            "/get-all-brands": self._brands, "/get-all-tv-genres": self._genres,
        }  # fmt: skip

    # --- the key and what stands for calls

    def _api_key(self, arguments: Arguments) -> str:
        email, password = arguments.get("email"), arguments.get("pw")
        if (email, password) != (EMAIL, PASSWORD):
            raise SpotwatchDeclined("Invalid email or password.", 403)
        return self.key

    def _set_zone(self, arguments: Arguments) -> str:
        (name,) = needed(arguments, "tz")
        try:
            self.zone = ZoneInfo(str(name))
        except (ValueError, OSError, LookupError) as error:
            raise SpotwatchDeclined(f"Unknown timezone [{name}].") from error
        return f"Default timezone set to [{name}]."

    async def _unmasked(self, path: str, mask: Mask, arguments: Arguments) -> Any:
        if self.clock.now().timestamp() > mask.until or mask.calls == 0:
            del self.masks[path]
            raise SpotwatchDeclined("The link has expired.", 403)
        mask.calls -= 1 if mask.calls > 0 else 0
        late = {name: value for name, value in arguments.items() if name != "key"} if mask.allow_args else {}
        return await self.call(mask.path, {**mask.arguments, **late, "key": self.key})

    def _mask(self, arguments: Arguments) -> str:
        path, given = needed(arguments, "path", "args")
        if not isinstance(given, dict):
            raise SpotwatchDeclined("Invalid argument [args], expected an object.")
        ttl, calls = whole(arguments.get("ttl", int(TTL_S)), "ttl"), whole(arguments.get("ctl", -1), "ctl")
        return self._masked(str(path), given, ttl, calls, allow_args=arguments.get("allow_args") in (True, "true", "1", 1))

    def _masked(self, path: str, given: Arguments, ttl: float = TTL_S, calls: int = -1, *, allow_args: bool = False) -> str:
        link = f"/{secrets.token_hex(10)}"
        self.masks[link] = Mask(path, dict(given), self.clock.now().timestamp() + ttl, calls, allow_args)
        return link

    async def _batch(self, arguments: Arguments) -> dict[str, Any]:
        (requests,) = needed(arguments, "requests")
        if not isinstance(requests, list) or not all(isinstance(one, dict) and one.get("path") != "/batch" for one in requests):
            raise SpotwatchDeclined("Invalid argument [requests], expected an array of objects.")
        found = {}
        for one in requests:
            try:
                reply, code = await self.call(str(one.get("path")), {**(one.get("args") or {}), "key": self.key}), 200
            except SpotwatchDeclined as declined:
                reply, code = declined.sentence, declined.status
            found[str(one.get("mapkey"))] = {"code": code, "reply": reply}
        return found

    # --- what was on television

    def writer(self, arguments: Arguments) -> Writer:
        """As the call wants times. Raises SpotwatchDeclined."""
        form = str(arguments.get("time_fmt", TIME_FORMATS[0]))
        if form not in TIME_FORMATS:
            raise SpotwatchDeclined(f"Invalid argument [time_fmt], expected one of [{', '.join(TIME_FORMATS)}].")
        return Writer(form, self.zone)

    def _ad(self, arguments: Arguments) -> dict[str, Any]:
        (name,) = needed(arguments, "id")
        ad = self._found_ad(whole(name, "id"))
        fields, inner = words(arguments, "ad_fields"), words(arguments, "broadcast_fields")
        return self.writer(arguments).ad(ad, self.replay.past, fields, inner)

    @staticmethod
    def _found_ad(number: int) -> DayAd:
        for ad in advertisements():
            if ad.id == number:
                return ad
        raise SpotwatchDeclined(f"Ad ID [{number}] not found.")

    def _ads(self, arguments: Arguments) -> dict[str, Any]:
        writer, keep = self.writer(arguments), []
        ids, keywords = words(arguments, "ids"), words(arguments, "keyword")
        seen = self._between(self.replay.past, arguments, "time_seen_from", "time_seen_to")
        for ad in advertisements():
            mine = [one for one in seen if one.showing.ad.id == ad.id]
            length_from, length_to = arguments.get("duration_from", 0), arguments.get("duration_to", 10**6)
            keep += [ad] if (
                (not ids or str(ad.id) in ids) and _among(ad.brand, words(arguments, "brand"))
                and _among(ad.category, words(arguments, "category")) and mine
                and (not (regions := words(arguments, "region")) or any(one.showing.block.region in regions for one in mine))
                and (arguments.get("self_promo", True) not in (False, "false") or not ad.self_promo)
                and whole(length_from, "duration_from") <= ad.duration <= whole(length_to, "duration_to")
                and (not keywords or any(word in f"{ad.brand} {ad.description} {ad.category}" for word in keywords))
            ) else []  # fmt: skip
        fields, inner = words(arguments, "ad_fields"), words(arguments, "broadcast_fields")
        return self._page("/get-ads", arguments, [writer.ad(ad, seen, fields, inner) for ad in keep])

    def _broadcast(self, arguments: Arguments) -> dict[str, Any]:
        (name,) = needed(arguments, "id")
        number = whole(name, "id")
        for seen in self.replay.past:
            if seen.showing.id == number:
                return self.writer(arguments).broadcast(seen, words(arguments, "broadcast_fields"))
        raise SpotwatchDeclined(f"Broadcast ID [{number}] not found.")

    def _broadcasts(self, arguments: Arguments) -> dict[str, Any]:
        writer, fields = self.writer(arguments), words(arguments, "broadcast_fields")
        found = self._between(self._filtered(self.replay.past, arguments), arguments, "time_from", "time_to")
        return self._page("/get-broadcasts", arguments, [writer.broadcast(one, fields) for one in found])

    def _broadcasts_for_ad(self, arguments: Arguments) -> Any:
        (name,) = needed(arguments, "ad")
        ad, regions = self._found_ad(whole(name, "ad")), words(arguments, "region")
        writer, fields = self.writer(arguments), words(arguments, "broadcast_fields")
        mine = [one for one in self.replay.past if one.showing.ad.id == ad.id and _among(one.showing.block.region, regions)]
        found = [writer.broadcast(one, fields) for one in mine]
        return csv(found, str(arguments.get("csv_delimiter", ","))) if arguments.get("fmt") == "csv" else found

    def _block(self, arguments: Arguments) -> dict[str, Any]:
        (name,) = needed(arguments, "id")
        number = whole(name, "id")
        for seen in self.replay.past:
            if seen.showing.block.id == number:
                return self._written_block(seen, arguments)
        raise SpotwatchDeclined(f"Block ID [{number}] not found.")

    def _blocks(self, arguments: Arguments) -> dict[str, Any]:
        first = [one for one in self._filtered(self.replay.past, arguments) if one.showing.index == 0]
        found = self._between(first, arguments, "start_from", "start_to")
        return self._page("/get-blocks", arguments, [self._written_block(one, arguments) for one in found])

    def _written_block(self, seen: Seen, arguments: Arguments) -> dict[str, Any]:
        writer, fields = self.writer(arguments), words(arguments, "ad_fields") or ["id"]
        return writer.block(seen, [writer.ad(ad, (), fields, ()) for ad in seen.showing.block.ads])

    def _filtered(self, past: Sequence[Seen], arguments: Arguments) -> list[Seen]:
        channels, regions = words(arguments, "channel"), words(arguments, "region")
        ids, blocks = words(arguments, "ad_id"), words(arguments, "block_id")
        brands, categories = words(arguments, "ad_brand"), words(arguments, "ad_category")
        return [
            one for one in past
            if _among(one.showing.block.channel, channels) and _among(one.showing.block.region, regions)
            and _among(str(one.showing.ad.id), ids) and _among(str(one.showing.block.id), blocks)
            and _among(one.showing.ad.brand, brands) and _among(one.showing.ad.category, categories)
        ]  # fmt: skip

    @staticmethod
    def _between(past: Sequence[Seen], arguments: Arguments, first: str, last: str) -> list[Seen]:
        begin, end = moment(arguments, first), moment(arguments, last)
        return [one for one in past if (begin is None or one.at >= begin) and (end is None or one.at <= end)]

    def _page(self, path: str, arguments: Arguments, rows: Sequence[Any]) -> dict[str, Any]:
        limit = whole(arguments.get("page_lim", PAGE), "page_lim")
        limit = LARGEST if limit == -1 else max(1, min(limit, LARGEST))
        index, pages = whole(arguments.get("page_index", 0), "page_index"), max(1, -(-len(rows) // limit))

        def link(number: int) -> str | None:
            given = {name: value for name, value in arguments.items() if name != "key"}
            return self._masked(path, {**given, "page_index": number}) if 0 <= number < pages else None

        page = {"index": index, "prev": link(index - 1), "next": link(index + 1), "results_total": len(rows), "pages_total": pages}
        return {"page": page, "results": rows[index * limit : (index + 1) * limit]}

    # --- push

    async def _set_push(self, arguments: Arguments) -> str:
        (url,) = needed(arguments, "url")
        form = self.writer(arguments).time_fmt
        endpoint = Endpoint(str(url), str(arguments.get("token") or ""), form, tuple(words(arguments, "ad_fields")))
        if endpoint.url != QUEUE and not endpoint.url.startswith(("http://", "https://")):
            raise SpotwatchDeclined(f"Invalid endpoint [{url}].")
        return await self.push.set(endpoint)

    def _delete_push(self, _: Arguments) -> str:
        self.push.endpoint = None
        return "Push endpoint deleted."

    def _message_queue(self, arguments: Arguments) -> dict[str, Any]:
        if self.push.endpoint is None or self.push.endpoint.url != QUEUE:
            raise SpotwatchDeclined(f"No message queue, set it with /set-push-broadcast and url=[{QUEUE}].")
        return {"messages": list(self.push.take(whole(arguments.get("num_messages", -1), "num_messages")))}

    # --- lists

    def _channels(self, arguments: Arguments) -> Any:
        if arguments.get("fmt") == "csv":
            return csv([{"region": region, "channel": one} for region, all_of in CHANNELS.items() for one in all_of], ",")
        return {region: list(channels) for region, channels in CHANNELS.items()}

    def _brands(self, arguments: Arguments) -> list[str]:
        found = self._between(self._filtered(self.replay.past, arguments), arguments, "time_seen_from", "time_seen_to")
        return sorted({one.showing.ad.brand for one in found})

    def _genres(self, _: Arguments) -> dict[str, dict[str, list[str]]]:
        found: dict[str, dict[str, list[str]]] = {}
        for seen in self.replay.past:
            block = seen.showing.block
            kinds = found.setdefault(block.region, {}).setdefault(block.genre, [])
            if block.subgenre not in kinds:
                kinds.append(block.subgenre)
        return found


def _among(found: str, wanted: Sequence[str]) -> bool:
    return not wanted or found in wanted
