"""Cards on every panel: one presenter for each, which draws at that panel's own size; panels come and go while it shows.

With one panel this is no more than its presenter. With several they work side by side, so that an alert is not late on the last
one; a panel that does not take its cards costs the others nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import tzinfo
from pathlib import Path

from player.core.brief import StageBrief
from player.core.cover import View
from player.core.ports.box import Clock
from player.core.ports.screen import Output
from player.stage.cards.presenter import Notices, Pad, PanelPlace, Presenter
from player.stage.wayland.layer_card import PanelCards


class Presenters:
    """Implements `surround.Cards`. `on_panel` opens the cards of a panel by its name; `zone` is their time zone."""

    def __init__(self, on_panel: Callable[[str], PanelCards], clock: Clock, zone: Callable[[], tzinfo | None], cache: Path) -> None:
        self._on_panel, self._clock, self._zone, self._cache = on_panel, clock, zone, cache
        self._by_panel: dict[str, Presenter] = {}

    def __repr__(self) -> str:
        return f"cards on {', '.join(self._by_panel) or 'no panel'}"

    @property
    def curtained(self) -> bool:
        """Whether a black card covers every panel."""
        return bool(self._by_panel) and all(presenter.curtained for presenter in self._by_panel.values())

    def on(self, panels: Sequence[Output | None]) -> None:
        """The panels as they are now, by number, None where one is missing; the next `show` draws what that changes."""
        panel_places = _panel_places(panels)
        for gone in set(self._by_panel) - set(panel_places):
            self._by_panel.pop(gone).close()
        for name, panel_place in panel_places.items():
            if name in self._by_panel:
                self._by_panel[name].move(panel_place)
            else:
                self._by_panel[name] = Presenter(self._on_panel(name), panel_place, self._clock, self._zone, self._cache)

    async def show(
        self, seen: View, brief: StageBrief, pad: Pad, notices: Notices, *, watermark: bool, backdrop: str | None
    ) -> None:
        """Makes every panel agree with `seen`; `backdrop` (#rrggbb) lies behind and between the regions."""
        async with asyncio.TaskGroup() as group:
            for name, presenter in self._by_panel.items():
                work = presenter.show(seen, brief, pad, notices, watermark=watermark, backdrop=backdrop)
                group.create_task(work, name=f"cards on {name}")

    def pad_key(self, panel: str, x: float, y: float) -> str | None:
        """The key of the lock pad that lies there on that panel; None between them."""
        presenter = self._by_panel.get(panel)
        for key, rect in presenter.pad_keys.items() if presenter else ():
            if rect.x <= x < rect.x + rect.width and rect.y <= y < rect.y + rect.height:
                return key
        return None


def _panel_places(panels: Sequence[Output | None]) -> dict[str, PanelPlace]:
    """By the panels' names. The first one that is there has the keyboard; a panel has a name for people if it is one of several."""
    there = [(number, panel) for number, panel in enumerate(panels, 1) if panel is not None]
    return {
        panel.name: PanelPlace(
            (panel.rect.width, panel.rect.height),
            f"Panel {number} ({panel.name})" if len(there) > 1 else "",
            has_keys=panel is there[0][1],
        )
        for number, panel in there
    }
