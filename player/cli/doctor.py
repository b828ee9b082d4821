"""`doctor`: tests this machine, and asks the player that runs on it; each line says what was found, and the remedy.

House rule 5: what a box does not have is an answer; only an ability that the configuration needs makes the command fail.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

from player.cli.checks.finding import CheckResult, Finding, failed
from player.cli.secret_files import left_inside
from player.cli.terminal import say_json
from player.config import Config
from player.core.plaintext import printable
from player.dirs import Dirs
from player.errors import ConfigError
from player.way_out import read_way_out

ANSWER_WITHIN_S = 5.0
SIGNS = {CheckResult.PASSED: ("✔", "32"), CheckResult.FAILED: ("✘", "31"), CheckResult.ABSENT: ("–", "33")}

Check = Callable[[], Iterable[Finding]]


def main(chosen: argparse.Namespace, config: Config, dirs: Dirs) -> int:
    """Prints every finding, and where a picture of the screen lies; 1 when a needed ability failed."""
    from player.cli.checks import panel
    from player.cli.client import ControlClient

    picture = Path(chosen.picture) if chosen.picture else None
    client = ControlClient(dirs.control_socket, ANSWER_WITHIN_S)
    findings = [*examine(config, dirs), *_guarded(lambda: panel.look(client.screenshot, picture))]
    if chosen.json:
        say_json([asdict(finding) for finding in findings], indent=2)
    else:
        print("\n".join(_line(finding, colour=sys.stdout.isatty()) for finding in findings))
    return 1 if any(finding.needed and finding.result is CheckResult.FAILED for finding in findings) else 0


def examine(config: Config, dirs: Dirs) -> list[Finding]:
    """Every finding about this machine."""
    from player.cli.checks import machine, panel, running, surroundings
    from player.cli.checks.abilities import abilities
    from player.cli.client import ControlClient

    client = ControlClient(dirs.control_socket, ANSWER_WITHIN_S)
    checks: tuple[Check, ...] = (
        machine.account,
        lambda: machine.compositor(config.stage.backend),
        lambda: machine.seat(config.stage.backend),
        lambda: running.graphics(client.status, machine.graphics),
        lambda: machine.video(config.stage.backend, config.stage.hwdec),
        lambda: machine.browser(config.stage.browser, sandbox=config.stage.browser_sandbox),
        machine.sound,
        panel.outputs,
        panel.cec,
        panel.ddc,
        lambda: panel.brightness(client.settings),
        abilities,
        surroundings.clock,
        lambda: surroundings.disk(dirs, config.storage.reserve),
        lambda: surroundings.permissions(dirs),
        lambda: surroundings.secrets(left_inside(config)),
        surroundings.network,
        lambda: _server(config),
        lambda: running.faults(client.status),
    )
    return [finding for check in checks for finding in _guarded(check)]


def _server(config: Config) -> list[Finding]:
    from player.cli.checks.server_probe import server
    from player.cms import SERVERS

    row = SERVERS[config.cms.kind]
    if not row.answers_at:  # nothing that could be asked
        return []
    try:
        return list(server(config.cms.url, row.answers_at, read_way_out(config, os.environ)))
    except ConfigError as error:
        return [failed("server", str(error), "correct it in the configuration; the agent does not start with it")]


def _guarded(check: Check) -> list[Finding]:
    """A check that meets something unforeseen is a finding, not the end of the examination."""
    try:
        return list(check())
    except (OSError, ValueError) as error:
        return [
            failed(
                "examination",
                f"a test could not be made: {error}",
                "report this with `signage-player support-bundle`",
                needed=False,
            )
        ]


def _line(finding: Finding, *, colour: bool) -> str:
    sign, code = SIGNS[finding.result]
    shown = f"\x1b[{code}m{sign}\x1b[0m" if colour and "NO_COLOR" not in os.environ else sign
    remedy = f"\n{' ' * 31}-> {printable(finding.remedy)}" if finding.remedy and finding.result is not CheckResult.PASSED else ""
    return f"{shown} {finding.ability:16} {finding.result:11} {printable(finding.detail)}{remedy}"
