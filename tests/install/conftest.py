"""Where nothing of another processor runs, its tests are left out, and say why."""

from __future__ import annotations

import pytest

from tests.install.container import lacks


@pytest.hookimpl(trylast=True)  # of those that are to run
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks them; asked once, where one of them is to run."""
    ours = [item for item in items if item.get_closest_marker("arm64")]
    reason = lacks("aarch64") if ours else ""
    for item in ours if reason else ():
        item.add_marker(pytest.mark.skip(reason=f"arm64 cannot be emulated here: {reason}"))
