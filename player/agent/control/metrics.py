"""`GET /metrics`: the status as Prometheus text, in a registry of its own made for each scrape. Imported when first asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric, StateSetMetricFamily

from player.agent.reports.status import Status
from player.core.cover import StageState

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def render(status: Status) -> bytes:
    """Prometheus text, UTF-8."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(status))
    return generate_latest(registry)


class _Collector:
    """Shows one `Status` to the registry."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def describe(self) -> list[Metric]:
        """Names no metric beforehand: each scrape has a registry of its own."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Every figure as it is at this scrape."""
        status = self._status
        info = {"version": status.version, "uuid8": status.uuid8, "backend": status.stage.backend, "size": status.stage.size}
        yield InfoMetricFamily("signage_player", "This player.", value=info)
        yield StateSetMetricFamily(
            "signage_state", "What the screen shows.", value={state.value: state is status.state for state in StageState}
        )
        for name, text, value in _gauges(status):
            if value is not None:
                yield GaugeMetricFamily(f"signage_{name}", text, value=float(value))
        yield CounterMetricFamily("signage_frames_dropped", "Frames dropped.", value=status.stage.frames_dropped)
        yield CounterMetricFamily("signage_stage_restarts", "Times that the stage was started again.", value=status.stage.restarts)
        yield from _of_triggers(status)
        faults = GaugeMetricFamily("signage_faults", "Faults now, by code.", labels=["code"])
        for code, count in sorted(Counter(fault.code for fault in status.faults).items()):
            faults.add_metric([code], count)
        yield faults


def _of_triggers(status: Status) -> Iterator[Metric]:
    """What came of a source of triggers, where there is one; the delays are those of the last that was shown."""
    triggers = status.triggers
    if triggers is None:
        return
    yield GaugeMetricFamily("signage_trigger_source_online", "1 when the source of triggers answers.", value=float(triggers.online))
    for name, text, value in (
        ("received", "Broadcasts received.", triggers.received),
        ("shown", "Broadcasts that a trigger answered to on screen.", triggers.shown),
        ("unread", "Messages that could not be read.", triggers.unread),
    ):
        yield CounterMetricFamily(f"signage_triggers_{name}", text, value=value)
    last = next((one for one in triggers.last if one.shown_at is not None), None)
    if last is not None and last.shown_at is not None:
        after = last.shown_at - last.received_at
        yield GaugeMetricFamily("signage_trigger_received_to_screen_seconds", "Message to first frame.", value=after)
        if last.detected_at is not None:
            after = last.shown_at - last.detected_at
            yield GaugeMetricFamily("signage_trigger_detected_to_screen_seconds", "Detection to first frame.", value=after)


def _gauges(status: Status) -> tuple[tuple[str, str, float | None], ...]:
    return (
        ("uptime_seconds", "Seconds since the player started.", status.uptime_s),
        ("paired", "1 when the server knows this player.", status.paired),
        ("locked", "1 when local controls are locked.", status.locked),
        ("screen_on", "1 when the panel is on.", status.stage.screen_on),
        ("server_online", "1 when the server answers.", status.server.online),
        ("server_last_contact_timestamp_seconds", "When the server last answered.", status.server.last_contact),
        ("cache_bytes", "Media on disk.", status.cache.bytes),
        ("cache_limit_bytes", "The limit for media.", status.cache.limit),
        ("cache_files", "Media files.", status.cache.files),
        ("manifest_items", "Items on air.", status.manifest.items),
        ("assets_ready", "Files of the wanted programme that are on disk.", status.manifest.assets_ready),
        ("assets_wanted", "Files of the wanted programme.", status.manifest.assets_total),
        ("proof_pending", "Events of proof of play that nobody has accepted yet.", status.proof.pending),
        ("clock_synced", "1 when the clock can be believed.", status.clock.synced),
        ("clock_offset_seconds", "The clock against the server's.", status.clock.offset_s),
    )
