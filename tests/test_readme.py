"""What the README says of formats and commands is what the suite plays, and what the command line has."""

from __future__ import annotations

import re
from pathlib import Path

from player.cli import make_parser
from tests.what_plays import missing_tests, table

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def test_the_table_of_formats_is_that_of_the_tests():
    assert table() in README, f"put this below ## What plays:\n{table()}"


def test_every_row_that_is_no_file_names_tests_that_are_there():
    assert missing_tests() == []


def test_every_command_of_the_readme_is_one_of_the_command_line():
    known = commands()
    named = set(re.findall(r"signage-player ([a-z][a-z-]+)", README))
    assert named
    assert named <= known, named - known


def commands() -> set[str]:
    """The names of every command."""
    (choices,) = (action.choices for action in make_parser()._actions if action.choices)
    return set(choices)
