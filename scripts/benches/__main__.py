"""`scripts/bench [NAME…]`: runs the benches and prints their figures as a table."""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from scripts.benches.figures import Figure, table, to_json

NAMES = ("start", "restart", "footprint", "download", "stage", "regions", "memory", "cpu")


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
    parser.add_argument("--seconds", type=float, default=60, help="of steady play for regions (default 60)")
    parser.add_argument("--out", metavar="DIR", required=True, help="where figures.json and seams.png go")
    parser.add_argument("--media", metavar="DIR", required=True, help="where test content is kept")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(NAMES):
        parser.error(f"there is no bench {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    return chosen


def benches(chosen: argparse.Namespace, media: Path) -> dict[str, Callable[[], list[Figure]]]:
    """Each with what it needs; loaded when it is run."""

    def start() -> list[Figure]:
        from scripts.benches.start import start as bench

        return bench(media, chosen.runs)

    def restart() -> list[Figure]:
        from scripts.benches.start import restart as bench

        return bench(media, chosen.runs)

    def footprint() -> list[Figure]:
        from scripts.benches.footprint import footprint as bench

        return bench(media)

    def download() -> list[Figure]:
        from scripts.benches.download import download as bench

        return bench(chosen.runs)

    return {"start": start, "restart": restart, "footprint": footprint, "download": download}


def main() -> int:
    """0, also for missed lines; 1 when something could not be measured."""
    chosen = arguments()
    media = Path(chosen.media)
    media.mkdir(parents=True, exist_ok=True)
    known = benches(chosen, media)
    figures: list[Figure] = []
    unmeasured: list[str] = []
    for name in chosen.names or NAMES:
        print(f"==> {name}", file=sys.stderr, flush=True)
        try:
            figures += known[name]()
        except Exception as error:  # noqa: BLE001 - the other benches are still worth running
            traceback.print_exc()
            unmeasured.append(f"{name}: {error}")
    print(table(figures))
    for line in unmeasured:
        print(f"not measured: {line}")
    about = {"taken_at": time.time(), "machine": os.uname().machine, "cores": os.cpu_count(), "load": os.getloadavg()}
    (Path(chosen.out) / "figures.json").write_text(to_json(figures, unmeasured, about), encoding="utf-8")
    return 1 if unmeasured else 0


if __name__ == "__main__":
    raise SystemExit(main())
