"""`python -m player.demo --folder F --port P [--host H] [--samples]`: the demonstration server by itself."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

from player.demo.adcast.seed import EMAIL, PASSWORD
from player.demo.adcast.server import DemoServer
from player.errors import SignageError
from player.runtime.logs import set_up_logging
from player.runtime.tasks import stopping_on_signals


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m player.demo", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where its state is kept")
    parser.add_argument("--port", type=int, default=8780, help="0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 for every network (plain http: in trusted networks only)")
    parser.add_argument("--samples", action="store_true", help="put sample content and an account there")
    parser.add_argument("--zone", type=ZoneInfo, default=ZoneInfo("UTC"), help="the wall clock of schedules, such as Europe/Berlin")
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> None:
    server = DemoServer(arguments.folder, arguments.host, arguments.port, zone=arguments.zone, heartbeat_interval_s=5.0)
    async with stopping_on_signals() as stop, server:
        print(server.url, flush=True)
        if arguments.samples:
            await server.seed_samples()
            print(f"sign in as {EMAIL} with the password {PASSWORD}", flush=True)
        await stop.wait()


def main() -> int:
    """Serves until it is stopped; 0, or 1 when it could not start."""
    set_up_logging("WARNING")
    arguments = _arguments()
    try:
        asyncio.run(_serve(arguments))
    except (SignageError, OSError) as error:
        print(f"error: the demonstration server cannot run at {arguments.host}:{arguments.port}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
