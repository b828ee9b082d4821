"""Clock, watchers, work that is kept running, and what is said to systemd."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player.errors import BoxError, Stumbled
from player.runtime.clock import SystemClock
from player.runtime.systemd import child_environment, sd_notify, watchdog_interval
from player.runtime.tasks import Latest, Mistakes, Shutdown, backoff, jittered, keep_running, stopping_on_signals, until_stopped
from tests.fakes.running import eventually

SYSTEMD = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


@pytest.fixture
def systemd_words() -> Iterator[None]:
    """The environment's words from systemd, put back afterwards."""
    before = {name: os.environ.pop(name, None) for name in SYSTEMD}
    yield
    for name, value in before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


def test_the_clock_gives_aware_utc_and_seconds_that_only_grow():
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    assert datetime.now(UTC) <= clock.now() <= datetime.now(UTC)
    first, second = clock.monotonic(), clock.monotonic()
    assert 0 < first <= second


# --- one value, many watchers


async def test_watchers_wait_for_the_next_change_and_see_only_the_newest():
    latest = Latest(1)
    async with asyncio.TaskGroup() as group:
        watchers = [group.create_task(latest.wait(2), name=f"watcher {n}") for n in range(3)]
        await asyncio.sleep(0)
        latest.set(2)
        latest.set(3)
    assert [watcher.result() for watcher in watchers] == [3, 3, 3]


async def test_an_equal_value_wakes_nobody_and_the_deadline_gives_what_there_is():
    latest = Latest("same")
    async with asyncio.TaskGroup() as group:
        watcher = group.create_task(latest.wait(0.05), name="watcher")
        await asyncio.sleep(0)
        latest.set("same")
        await asyncio.sleep(0)
        assert not watcher.done()
    assert watcher.result() == "same"


async def test_a_wake_wakes_though_nothing_changed():
    latest = Latest(1)
    async with asyncio.TaskGroup() as group, asyncio.timeout(2):
        group.create_task(latest.wait(), name="watcher")
        await asyncio.sleep(0)
        latest.wake()


# --- pauses


@given(attempt=st.integers(0, 10**6), first=st.floats(0.001, 100), limit=st.floats(0.001, 1000))
def test_n13_pauses_grow_never_beyond_the_limit_and_are_never_nothing(attempt: int, first: float, limit: float):
    pause = backoff(attempt, first_s=first, limit_s=limit)
    ceiling = min(limit, first * 2.0 ** min(attempt, 20))
    assert 0.1 * ceiling <= pause <= ceiling


@given(st.floats(0.1, 1e6), st.floats(0, 1))
def test_n15_intervals_are_spread_around_what_was_asked(interval: float, spread: float):
    assert interval * (1 - spread) * 0.999999 <= jittered(interval, spread) <= interval * (1 + spread) * 1.000001


# --- work that is kept running


async def test_work_that_fails_starts_again_and_says_so_once(caplog: pytest.LogCaptureFixture):
    tries: list[float] = []
    done = asyncio.Event()

    async def work() -> None:
        tries.append(time.monotonic())
        match len(tries):
            case 1:
                raise BoxError("sound", "the device is gone")
            case 2:
                raise ZeroDivisionError
            case 3:
                return
        done.set()
        await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group, asyncio.timeout(10):
        task = group.create_task(keep_running("sound", work, limit_s=0.02), name="sound")
        await done.wait()
        task.cancel()
    assert len(tries) == 4, "work that ends is begun again, too"
    assert [(record.levelname, bool(record.exc_info)) for record in caplog.records] == [("WARNING", False), ("ERROR", True)]
    assert "the device is gone" in caplog.text


async def test_work_that_always_fails_at_once_is_no_busy_loop():
    tries: list[float] = []

    async def work() -> None:
        tries.append(time.monotonic())
        raise BoxError("sound", "never works")

    async with asyncio.TaskGroup() as group:
        task = group.create_task(keep_running("sound", work), name="sound")
        await eventually(lambda: len(tries) == 3)
        task.cancel()
    assert [later - earlier >= least for earlier, later, least in zip(tries, tries[1:], (0.09, 0.19), strict=False)] == [True] * 2


def test_a_mistake_is_told_once_and_raised_without_its_words(caplog: pytest.LogCaptureFixture):
    mistakes = Mistakes()
    made = [("sound", ValueError("s3cret"))] * 2 + [("sound", KeyError()), ("clock", KeyError())]
    for what, mistake in made:
        with pytest.raises(Stumbled) as stumbled, mistakes.kept_to(what):
            raise mistake
        assert (stumbled.value.ability, type(mistake).__name__ in str(stumbled.value)) == (what, True)
        assert "s3cret" not in str(stumbled.value)
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == ["sound", "sound", "clock"]
    assert all(record.exc_info for record in caplog.records)
    for foreseen in (BoxError("sound", "gone"), TimeoutError(), asyncio.CancelledError()):
        with pytest.raises(type(foreseen)) as passed, mistakes.kept_to("sound"):
            raise foreseen
        assert passed.value is foreseen


async def test_a_shutdown_and_a_cancel_pass_through():
    async def ends() -> None:
        raise Shutdown

    with pytest.raises(Shutdown):
        await keep_running("ends", ends)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await keep_running("waits", asyncio.Event().wait)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_p10_a_signal_ends_the_root_group_and_the_handlers_go(number: signal.Signals):
    before = signal.getsignal(number)
    async with asyncio.timeout(5):
        with pytest.raises(ExceptionGroup) as caught:  # noqa: PT012 - the group is what raises
            async with stopping_on_signals() as stop, asyncio.TaskGroup() as group:
                group.create_task(until_stopped(stop), name="signals")
                group.create_task(asyncio.Event().wait(), name="work")
                os.kill(os.getpid(), number)
    assert caught.value.subgroup(Shutdown)
    assert signal.getsignal(number) in (before, signal.SIG_DFL, signal.default_int_handler)


# --- systemd


def test_without_systemd_nothing_is_said(systemd_words: None):
    sd_notify("READY=1")
    assert watchdog_interval() is None


def test_systemd_is_told_over_a_path_and_over_an_abstract_name(systemd_words: None, runtime_dir: Path):
    abstract = f"signage-test-{os.getpid()}"
    for bound, name in ((str(runtime_dir / "notify"), str(runtime_dir / "notify")), ("\0" + abstract, "@" + abstract)):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
            ear.bind(bound)
            ear.settimeout(2)
            os.environ["NOTIFY_SOCKET"] = name
            sd_notify("READY=1\nSTATUS=on stage")
            assert ear.recv(100) == b"READY=1\nSTATUS=on stage"


def test_a_systemd_that_does_not_listen_stops_nothing(systemd_words: None, runtime_dir: Path):
    os.environ["NOTIFY_SOCKET"] = str(runtime_dir / "nobody")
    sd_notify("WATCHDOG=1")


def test_the_watchdog_is_fed_twice_as_often_as_it_asks(systemd_words: None):
    os.environ["WATCHDOG_USEC"] = "20000000"
    assert watchdog_interval() == 10.0


STARTING = """
import sys, time
from player.runtime.systemd import taking_its_time
with taking_its_time(0.2) as up:
    if sys.argv[1] == "works":
        ends = time.monotonic() + 60
        while time.monotonic() < ends: pass
    elif sys.argv[1] == "hangs":
        time.sleep(60)
    up()
    time.sleep(60)
"""


@pytest.mark.parametrize(("start", "asks"), [("works", True), ("hangs", False), ("is up", False)])
def test_a_start_that_is_at_work_is_given_more_time_and_one_that_hangs_is_not(
    systemd_words: None, tmp_path: Path, start: str, asks: bool
):
    told = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(told["NOTIFY_SOCKET"])
        ear.settimeout(20 if asks else 2)
        starting = subprocess.Popen([sys.executable, "-c", STARTING, start], env=told)
        try:
            with contextlib.nullcontext() if asks else pytest.raises(TimeoutError):
                assert ear.recv(100) == b"EXTEND_TIMEOUT_USEC=60000000"
        finally:
            starting.kill()
            starting.wait(10)


def test_children_hear_what_they_need_and_cannot_speak_to_systemd_in_our_name(systemd_words: None):
    os.environ.update(dict.fromkeys((*SYSTEMD, "SIGNAGE__CMS__TOKEN", "CREDENTIALS_DIRECTORY"), "1"))
    try:
        found = child_environment(None)
    finally:
        del os.environ["SIGNAGE__CMS__TOKEN"], os.environ["CREDENTIALS_DIRECTORY"]
    assert "1" not in found.values()
    assert found["PATH"] == os.environ["PATH"]


BLOCKED = """
import asyncio, time
from player.runtime.logs import set_up_logging
from player.runtime.systemd import feed_watchdog, sd_notify
def a_blocking_call(seconds):
    sd_notify("blocks")
    time.sleep(seconds)
    sd_notify(f"turns {time.monotonic()}")
async def main():
    set_up_logging()
    async with asyncio.TaskGroup() as group:
        group.create_task(feed_watchdog())
        await asyncio.sleep(1.5)
        a_blocking_call(2.4)
        await asyncio.sleep(3)
        a_blocking_call(60)
asyncio.run(main())
"""


def test_p7_a_loop_that_stands_still_feeds_no_watchdog_and_says_where_it_was_ended(systemd_words: None, tmp_path: Path):
    told = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "1600000"}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(told["NOTIFY_SOCKET"])
        ear.settimeout(20)
        blocked = subprocess.Popen([sys.executable, "-c", BLOCKED], env=told, stderr=subprocess.PIPE, text=True)
        heard: list[tuple[str, float]] = []
        try:
            while [word for word, _ in heard].count("blocks") < 2:
                heard.append((ear.recv(100).decode(), time.monotonic()))
        finally:
            blocked.send_signal(signal.SIGABRT)
        _, said = blocked.communicate(timeout=20)
    words = [word for word, _ in heard]
    first = words.index("blocks")
    assert set(words[:first]) == {"WATCHDOG=1"}, "the loop turns"
    turned = float(words[first + 1].removeprefix("turns "))
    again = next(at for word, at in heard[first + 2 :] if word == "WATCHDOG=1")
    assert again - turned > 0.7, "it stood still for 2.4 s, and has to turn for half an interval again"
    assert blocked.returncode == -signal.SIGABRT
    assert re.search(r"the event loop stood still for [2-9]\.", said)
    assert "in a_blocking_call" in said


def test_the_last_lines_are_kept_for_whoever_asks_and_no_more_of_them():
    program = """
import json, logging
from player.runtime.logs import KEPT_LINES, LONGEST_LINE, recent_lines, set_up_logging
assert recent_lines() == []
set_up_logging()
for number in range(KEPT_LINES + 5):
    logging.getLogger("x").warning(f"line {number} {'.' * 2000}")
kept = recent_lines()
print(len(kept) == KEPT_LINES, "x: line 5 " in kept[0], f"line {KEPT_LINES + 4} " in kept[-1])
print({len(line) for line in kept} == {LONGEST_LINE})
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["True"] * 4


WARNS = """
import logging, sys
from pathlib import Path
from player.runtime.logs import set_up_logging
set_up_logging("DEBUG", kept_in=Path(sys.argv[1]) / "agent.log")
log = logging.getLogger("x")
log.debug("d")
log.info("i")
log.warning("two\\nlines")
log.error("e")
log.critical("c")
"""


def warned(folder: Path, journal: Callable[[int], str]) -> str:
    """What WARNS wrote on a stderr of which $JOURNAL_STREAM says what `journal` makes of its handle."""
    ours, theirs = os.pipe()
    environment = os.environ | {"JOURNAL_STREAM": journal(theirs)}
    with os.fdopen(ours, encoding="utf-8") as reads, os.fdopen(theirs, "wb") as writes:
        subprocess.run([sys.executable, "-c", WARNS, str(folder)], env=environment, stderr=writes, check=True)
        writes.close()
        return reads.read()


def stream(handle: int) -> str:
    found = os.fstat(handle)
    return f"{found.st_dev}:{found.st_ino}"


def test_each_line_in_the_journal_has_its_priority_and_no_time_of_its_own(tmp_path: Path):
    said = warned(tmp_path, stream).splitlines()
    assert said == ["<7>DEBUG x: d", "<6>INFO x: i", "<4>WARNING x: two\\u000alines", "<3>ERROR x: e", "<2>CRITICAL x: c"]
    assert list(tmp_path.iterdir()) == [], "the journal keeps them"


def test_lines_elsewhere_carry_a_time_and_the_last_are_kept_in_a_file(tmp_path: Path):
    said = warned(tmp_path, lambda _: "8:1")
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} DEBUG   x: d\n", said)
    assert (tmp_path / "agent.log").read_text() == said


def test_without_a_folder_nothing_is_kept_and_nothing_fails(tmp_path: Path):
    assert "WARNING x: two" in warned(tmp_path / "absent", lambda _: "")


def test_what_is_said_before_any_log_is_set_up_has_its_priority_too():
    ours, theirs = os.pipe()
    program = "from player.runtime.logs import complain; complain('a sentence')"
    with os.fdopen(ours, encoding="utf-8") as reads, os.fdopen(theirs, "wb") as writes:
        environment = os.environ | {"JOURNAL_STREAM": stream(theirs)}
        subprocess.run([sys.executable, "-c", program], env=environment, stderr=writes, check=True)
        writes.close()
        assert reads.read() == "<3>signage-player: a sentence\n"


def test_x6_a_name_forges_no_line_and_steers_no_terminal() -> None:
    program = """
import logging
from player.runtime.logs import complain, recent_lines, set_up_logging
set_up_logging()
log = logging.getLogger("here")
name = "film\\n2026-01-01 00:00:00,000 ERROR forged: line\\x1b[2J\\x9b1m\\u202e\\u2028"
log.warning("%s of rtsp://u:p@ss@host/x?sig=1", name)
try:
    raise ValueError(name)
except ValueError:
    log.exception("it ended")
log.info("x" * 10**6)
complain(name)
print(len(recent_lines()))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "3\n"
    assert not set(done.stderr) & set("\x1b\x9b\u202e\u2028")
    assert not [line for line in done.stderr.splitlines() if line.startswith("2026-01-01 00:00:00,000")]
    assert "film\\u000a2026-01-01" in done.stderr
    assert "of rtsp://(removed)@host/x?(removed)" in done.stderr
    assert max(map(len, done.stderr.splitlines())) < 5000
