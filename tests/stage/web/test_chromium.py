"""Chromium's command line: how a browser is called towards servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from player.errors import BoxError
from player.stage.web.chromium import flags, name_of, own_folders
from tests.fakes.browsers import MEMORY
from tests.fakes.way_out import STRAIGHT


@pytest.mark.parametrize(
    "version",
    [
        "Chromium 142.0.7444.59 built on Debian GNU/Linux 12 (bookworm)\n",
        "Google Chrome 142.1.2.3 \n",
        "Chromium 142.0.5993.70 snap",
    ],
)
def test_a_browser_is_called_by_its_major_version_alone_and_by_ours(version: str):
    assert name_of(version, "signage-player/0.2.0") == (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 signage-player/0.2.0"
    )


def test_what_says_no_version_is_no_browser_for_us():
    with pytest.raises(BoxError, match=r"but 'Usage: links 2\.28'; set stage\.browser"):
        name_of("Usage: links 2.28\n", "signage-player/0.2.0")


def test_the_name_is_on_the_command_line():
    assert "--user-agent=ours" in flags(Path("/run/x"), STRAIGHT, "ours", MEMORY, gpu=False, sandbox=True)


@pytest.mark.parametrize(("length", "fits"), [(62, True), (63, False)])
def test_all_that_it_leaves_lies_in_its_profile_but_where_its_sockets_name_would_be_too_long(length: int, *, fits: bool):
    profile = "/" + "p" * (length - 1)
    always = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"), profile)
    assert own_folders(Path(profile)) == always | ({"TMPDIR": profile} if fits else {})
    assert len(f"{profile}/org.chromium.Chromium.AbCdEf/SingletonSocket") == (107 if fits else 108)
