"""Where no machine can be emulated, the tests of this folder are left out, and say why."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.system.machine import lacks

HERE = Path(__file__).parent


@pytest.hookimpl(trylast=True)  # of those that are to run
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks them; asked once, where one of them is to run."""
    ours = [item for item in items if HERE in item.path.parents and item.get_closest_marker("nightly")]
    reason = lacks() if ours else ""
    for item in ours if reason else ():
        item.add_marker(pytest.mark.skip(reason=f"no machine can be emulated here: {reason}"))
