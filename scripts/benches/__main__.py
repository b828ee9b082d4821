"""`scripts/bench [NAME…]`: runs the benches and prints their figures as a table."""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback
from pathlib import Path

from scripts.benches.figures import Figure, table, to_json
from scripts.benches.plot import Row, draw

NAMES = (
    "start", "restart", "footprint", "agents", "download", "rules", "items", "push", "stage", "regions", "trigger", "memory", "cpu",
    "flash", "small", "hostile", "cards", "boundary",
)  # fmt: skip


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(NAMES)} (default: all)")
    parser.add_argument("--runs", type=int, default=5, help="of the short benches, each (default 5)")
    parser.add_argument(
        "--seams", type=int, default=42, help="mixed seams to watch (default 42: each pair once; 210 is a full run)"
    )
    parser.add_argument("--items", type=int, default=1000, help="heavy items for memory (default 1000)")
    parser.add_argument("--sizes", default="1280x720,1920x1080", help="screens for the stage bench (default %(default)s)")
    parser.add_argument(
        "--seconds", type=float, default=60, help="of steady play for regions, of each attack for hostile (default 60)"
    )
    parser.add_argument("--out", metavar="DIR", required=True, help="where figures.json and seams.png go")
    parser.add_argument("--media", metavar="DIR", required=True, help="where test content is kept")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(NAMES):
        parser.error(f"there is no bench {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    return chosen


class Benches:
    """Each bench by its name, loaded when it is run; what the stage's leave for the plot and as not measured is kept here."""

    def __init__(self, chosen: argparse.Namespace) -> None:
        self._chosen, self._media = chosen, Path(chosen.media)
        self._media.mkdir(parents=True, exist_ok=True)
        self.rows: list[Row] = []
        self.unmeasured: list[str] = []

    def run(self, name: str) -> list[Figure]:
        """Its figures."""
        found: list[Figure] = getattr(self, name)()
        return found

    def start(self) -> list[Figure]:
        """Power to picture."""
        from scripts.benches.start import start

        return start(self._media, self._chosen.runs)

    def restart(self) -> list[Figure]:
        """A killed stage."""
        from scripts.benches.start import restart

        return restart(self._media, self._chosen.runs)

    def footprint(self) -> list[Figure]:
        """What playing costs."""
        from scripts.benches.footprint import footprint

        return footprint(self._media)

    def agents(self) -> list[Figure]:
        """With each kind of server."""
        from scripts.benches.agents import agents

        return agents(self._media)

    def download(self) -> list[Figure]:
        """A gigabyte."""
        from scripts.benches.download import download

        return download(self._chosen.runs)

    def rules(self) -> list[Figure]:
        """Thousands of rules."""
        from scripts.benches.rules import rules

        return rules(self._chosen.runs)

    def items(self) -> list[Figure]:
        """Ten thousand of them."""
        from scripts.benches.items import items

        return items(self._media, self._chosen.runs)

    def push(self) -> list[Figure]:
        """From the server to the screen at once."""
        from scripts.benches.pushed import pushed

        return pushed(self._media, self._chosen.runs)

    def stage(self) -> list[Figure]:
        """Seams, ours and the rivals'."""
        from scripts.benches.seamless import seamless

        figures: list[Figure] = []
        for size in self._chosen.sizes.split(","):
            width, height = map(int, size.split("x"))
            found, rows, missing = seamless(self._media, (width, height), self._chosen.seams)
            figures += found
            self.rows += rows
            self.unmeasured += [f"stage {size}: {line}" for line in missing]
        return figures

    def regions(self) -> list[Figure]:
        """Six at once."""
        from scripts.benches.regions import regions

        return regions(self._media, self._chosen.seconds)

    def trigger(self) -> list[Figure]:
        """What is on television, to what answers it."""
        from scripts.benches.trigger import trigger

        return trigger(self._media, self._chosen.runs)

    def memory(self) -> list[Figure]:
        """After many items."""
        from scripts.benches.endurance import memory

        return memory(self._media, self._chosen.items)

    def cpu(self) -> list[Figure]:
        """Beside bare mpv."""
        from scripts.benches.endurance import cpu

        return cpu(self._media, self._chosen.runs)

    def flash(self) -> list[Figure]:
        """What a day writes."""
        from scripts.benches.flash import flash

        return flash(self._media)

    def small(self) -> list[Figure]:
        """One processor, and all the memory."""
        from scripts.benches.small import small

        return small(self._media)

    def hostile(self) -> list[Figure]:
        """Attacked."""
        from scripts.benches.hostile import hostile

        return hostile(self._chosen.seconds)

    def cards(self) -> list[Figure]:
        """What the player draws itself."""
        from scripts.benches.cards import cards

        return cards(self._chosen.runs)

    def boundary(self) -> list[Figure]:
        """A layout's second."""
        from scripts.benches.boundary import boundary

        return boundary(self._media, self._chosen.runs)


def main() -> int:
    """0, also for missed lines and rivals that cannot play here; 1 when something of the player could not be measured."""
    chosen = arguments()
    benches, out = Benches(chosen), Path(chosen.out)
    out.mkdir(parents=True, exist_ok=True)  # first, so that minutes of measuring are not lost for want of a folder
    figures: list[Figure] = []
    failed: list[str] = []
    for name in chosen.names or NAMES:
        print(f"==> {name}", file=sys.stderr, flush=True)
        try:
            figures += benches.run(name)
        except Exception as error:  # noqa: BLE001 - the other benches are still worth running
            traceback.print_exc()
            failed.append(f"{name}: {error}")
    print(table(figures))
    unmeasured = [*failed, *benches.unmeasured]
    for line in unmeasured:
        print(f"not measured: {line}")
    about = {"taken_at": time.time(), "machine": os.uname().machine, "cores": os.cpu_count(), "load": os.getloadavg()}
    (out / "figures.json").write_text(to_json(figures, unmeasured, about), encoding="utf-8")
    if benches.rows:
        draw(benches.rows, out / "seams.png")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
