"""The stage's composition root: reads the two snapshots, opens the screen, runs the regions, answers the agent.

It starts from the last complete manifest and needs no agent and no network. The first item is prepared before anything else is
loaded; cards and browser come when they are needed. When the compositor goes, so does this process, at once: its windows are lost,
and whoever supervises it starts it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from player.brief_file import BriefFile
from player.config import Config
from player.config_reader import Unreadable
from player.core.applet_layout import with_applets
from player.core.applets import AppletPlan
from player.core.brief import StageBrief
from player.core.cues import Moment, Skipped
from player.core.egress import WayOut
from player.core.faults import FaultBook, gravest
from player.core.hangs import ANSWER_S, LOOK_S, TOLD_S
from player.core.ports.applets import AppletAsks, AppletPlayed, AppletSpoke, AppletTapped
from player.core.ports.screen import Compositor, Surface
from player.core.ports.stage import AppletAsked, AppletSaid, PinEntered, StageStatus
from player.core.problem import SafeMode, TroubleWatch
from player.core.resume import Death
from player.device.host import boot_id
from player.dirs import Dirs
from player.programme_file import ProgrammeFile
from player.runtime.clock import SystemClock, local_zone
from player.runtime.fault_page import FaultPage
from player.runtime.systemd import sd_notify, watchdog_interval
from player.runtime.tasks import Latest, keep_running, stopping_on_signals, until_stopped
from player.sizes import parse_size
from player.stage.agent_socket import AgentSocket
from player.stage.applets import play_of
from player.stage.crashes import Crashes, last_death
from player.stage.mark import Mark
from player.stage.mending import problem_of, until_mended
from player.stage.on_air import OnAirWatch
from player.stage.panels import Panels
from player.stage.places import Places
from player.stage.plays import Plays
from player.stage.regions.show import Show
from player.stage.regions.surfaces import SurfaceSort, Windows
from player.stage.requests import Requests
from player.stage.screen import Screen
from player.stage.stills import find_stills
from player.stage.surround import Cards, Surround
from player.stage.targets import Targets
from player.stage.video.youtube import Resolver
from player.stage.wall import Wall

log = logging.getLogger("player.stage")

COMPOSITOR_GONE = 3
TELL_S = 2.0
FIRST_S = 1.0
TRIM_S = 600.0
AWAY = "the part of the player that does this is being started again; ask once more"


class Stage:
    """Everything of one stage, wired. `kernel_synced`: what the kernel says of its clock; None when it says nothing.

    `unreadable`: the configuration that could not be read, `config` being what is gone by meanwhile. `started` is called when it
    is up.
    """

    def __init__(
        self, config: Config, dirs: Dirs, compositor: Compositor, screen: Screen, faults: FaultBook, way_out: Latest[WayOut],
        wall: Wall, *, kernel_synced: Callable[[], bool | None], unreadable: Unreadable | None, started: Callable[[], None],
    ) -> None:  # fmt: skip
        self._kernel_synced, self._way_out, self._unreadable, self._started = kernel_synced, way_out, unreadable, started
        self._outward = wall
        self._dirs, self._screen, self._compositor, self.faults = dirs, screen, compositor, faults
        self.applets = screen.applets
        self._clock = SystemClock()
        page = functools.partial(FaultPage, faults, self._clock)
        self._brief_file = BriefFile(dirs.brief)
        self._manifest_file = ProgrammeFile(dirs.state)
        self._started_at = self._wall()
        self._group: asyncio.TaskGroup | None = None
        dirs.stage.mkdir(parents=True, exist_ok=True)
        self.plays = Plays(
            dirs.plays, tail=dirs.stage_runtime / "plays.log", keep_days=config.proof.keep_days,
            keep_bytes=parse_size(config.proof.keep_size), wall=self._wall, faults=page("plays"),
        )  # fmt: skip
        death = last_death(dirs.stage_runtime)
        self.places = Places(dirs.stage_runtime / "places.json", death)
        crashed = death is not Death.KILLED and not self.places.sound_is_suspect
        self._sound_crash = page("sound's crash")
        if self.places.sound_is_suspect:
            words = "a library ended the stage by an assertion while something was heard; it plays on without sound, this once"
            self._sound_crash.report("", "sound_crashed", words, count=1)
        self.mark = Mark(dirs.stage_runtime / "on_screen.json", dirs.stage / "deaths.json", self._wall, crashed=crashed)
        self.crashes = Crashes(
            dirs.stage_runtime, on_screen=self.mark.found, kept_off=self.mark.explaining, clock=self._clock, faults=page("crashes")
        )
        self.windows = Windows(compositor)
        self.show = Show(
            compositor=compositor, windows=self.windows, make=self._make, plays=self.plays, mark=self.mark, clock=self._clock,
            cache=dirs.cache, settings=lambda: self.surround.brief.settings, clock_synced=lambda: bool(self._kernel_synced()),
            resolve=Targets(wall, Resolver(config.stage.youtube_hosts, wall.for_pages)), changed=self._changed,
            screen_on=lambda: self.surround.screen_on, page=page, mirror=config.stage.outputs == "mirror",
            seed=int.from_bytes(os.urandom(8)),  # no two devices, and no two starts, shuffle alike
            resume=self.places.resume, judged=lambda item, well: self.on_air.judged(item, well=well),
        )  # fmt: skip
        self.surround = Surround(
            show=self.show, panels=Panels(compositor, mode=config.stage.mode, scale=config.stage.scale), faults=page("panels"),
            clock=self._clock, open_cards=self._open_cards, submit_pin=lambda pin: self.server.tell(PinEntered(pin)),
            local=self._local, changed=self._tell, curtain=screen, held=self.places.items, clock_trusted=self._clock_trusted,
            trouble=TroubleWatch(self._clock.monotonic(), problem_of(unreadable, page("configuration"))),
            card_after_s=config.stage.problem_card_after,
        )  # fmt: skip
        self.on_air = OnAirWatch(
            self.show, now=self._judged_now, mono=self._clock.monotonic, zone=self._zone, facts=lambda: self.surround.brief.facts,
            applets=lambda: AppletPlan() if self.crashes.safe_since is not None else self.surround.brief.applets,
        )  # fmt: skip
        screen.expect_pages(lambda: self.on_air.needs_pages)
        requests = Requests(
            self.show, self.surround, compositor, self.plays, self.applets, dirs.stage_runtime, self.reread, self._try_again
        )
        self.server = AgentSocket(dirs.stage_socket, requests)
        self._zone_name, self._boot_id = config.time.zone, boot_id()
        self._behind_s = 0.0
        self._read_brief()

    def _read_brief(self, told: StageBrief | None = None) -> None:
        self.surround.brief = told or self._brief_file.kept()
        zone = self.surround.brief.settings.time_zone or self._zone_name
        self._way_out.set(replace(self._way_out.value, zone=zone))
        self._behind_s = max(0.0, self.surround.brief.clock.floor - self._wall())

    def _clock_trusted(self) -> bool:
        return bool(self._kernel_synced()) or self.surround.brief.clock.trusted_boot == self._boot_id

    def _judged_now(self) -> datetime:
        """By which rules are judged: while the clock is not trusted, not earlier than it must be."""
        now = self._clock.now()
        return now if self._clock_trusted() else now + timedelta(seconds=self._behind_s)

    def _wall(self) -> float:
        return self._clock.now().timestamp()

    async def _make(self, sort: SurfaceSort, name: str, size: tuple[int, int]) -> Surface:
        return await self._screen.make(sort, name, size, lambda: self._clock.now().astimezone(self._zone()))

    async def run(self) -> None:
        """Until SIGTERM, or until the compositor goes (then the process ends with `COMPOSITOR_GONE`)."""
        self.windows.on_outputs = self.surround.changed
        self.windows.on_gone = self._compositor_gone
        asyncio.get_running_loop().call_later(TOLD_S, self._sound_crash.clear)
        async with stopping_on_signals() as stop, asyncio.TaskGroup() as self._group:
            group = self._group
            group.create_task(until_stopped(stop), name="signals")
            group.create_task(self.windows.run(), name="compositor")
            await self.surround.look_at_panel()
            await self._take(group)
            for name, work in {
                "wall": self._outward.run,
                "socket": self.server.run,
                "screen": self.surround.run,
                "on air": lambda: self.on_air.run(group),
                "status": self._keep_telling,
                "applets": self._hear_applets,
                "housekeeping": self._housekeeping,
                "watchdog": self._feed_watchdog,
                "safe mode": self._leave_safe_mode,
                "configuration": self._await_mending,
                **self._screen.background(),
            }.items():
                group.create_task(keep_running(name, work), name=name)

    async def reread(self, brief: StageBrief | None = None) -> None:
        """The agent has published something; `brief`: what no disk takes, and holds until the next time."""
        self._read_brief(brief)
        if self._group:
            await self._take(self._group)
        self.show.set_volume()
        self.show.reread()
        self.surround.changed()

    async def _take(self, group: asyncio.TaskGroup) -> None:
        """The programme; in safe mode its stills alone, and nothing of it is on air."""
        manifest, since = self._manifest_file.read(), self.crashes.safe_since
        all_shown = with_applets(manifest, self.surround.brief.applets)
        self._screen.keep_rooms({item.room for item in (all_shown.items if all_shown else ())})
        if since is not None:
            stills = find_stills(manifest, self._judged_now(), self._zone(), self.surround.brief.facts, self._dirs)
            manifest, self.surround.trouble.safe = None, SafeMode(since, stills)
            self.places.clear()  # nothing of what was on has a head start
        else:
            self.surround.trouble.safe = None
        await self.on_air.take(manifest, group)

    async def _leave_safe_mode(self) -> None:
        await self.crashes.until_good()
        log.info("no crash for an hour: safe mode is over")
        self.crashes.forget()
        await self.reread()

    async def _await_mending(self) -> None:
        """Starts again with the configuration when somebody has mended it."""
        await until_mended(self._unreadable)
        log.info("the configuration can be read again; the stage restarts with it")
        self._restart()
        await asyncio.Event().wait()

    def stop(self) -> None:
        """The plays under way are recorded, and nothing is blamed for the end. The next stage begins anew."""
        self.break_off()
        self.plays.close()
        self.places.clear()

    def break_off(self) -> None:
        """For an end that nobody wanted: the next stage goes on where this one was, at once. Nothing waits for the disk, which may
        take seconds: plays are in the journal's tail, as of a stage that is killed."""
        self.places.write(self.show.drivers, self._clock.monotonic())
        self.show.stop()
        self.mark.clear()

    def _compositor_gone(self) -> None:
        log.error("the compositor ended; the stage restarts with the next one")
        self.break_off()
        logging.shutdown()
        os._exit(COMPOSITOR_GONE)

    def _try_again(self) -> None:
        """As somebody asked: from the start, and with nothing held against it."""
        self.crashes.forget()
        self._restart()

    def _restart(self) -> None:
        """Ends this process as SIGTERM would; whoever supervises it starts it again."""
        asyncio.get_running_loop().call_later(0.1, os.kill, os.getpid(), signal.SIGTERM)

    def _local(self, action: str) -> None:
        if action == "identify":
            self.surround.identify(10.0)
        else:
            self.show.send(Skipped(1 if action == "next" else -1))

    # --- cards

    async def _open_cards(self) -> Cards | None:
        return await self._screen.open_cards(self._clock, self._zone, self._dirs, self.surround)

    def _zone(self) -> ZoneInfo:
        return local_zone(self._way_out.value.zone)

    # --- what is told

    def _changed(self) -> None:
        self.places.write(self.show.drivers, self._clock.monotonic())
        self.surround.content_changed()

    def _tell(self) -> None:
        self.server.tell(self.status())

    def status(self) -> StageStatus:
        """As the agent hears it."""
        manifest, layout, size = self.show.manifest, self.show.layout, self.show.size
        problem = self.surround.seen.problem or self.surround.seen.corner_problem
        playlists = layout.regions[0].playlist.name if layout and layout.regions else ""
        return StageStatus(
            state=self.surround.seen.state, backend=self._screen.backend, size=f"{size[0]}x{size[1]}",
            orientation=self.surround.orientation.value, mode=self.surround.mode, wayland_display=self._screen.wayland_display,
            renderer=self._screen.renderer, renderer_why=self._screen.renderer_why,
            screen_on=self.surround.screen_on, manifest_version=manifest.version if manifest else "", playlist=playlists,
            items=self.show.now_playing(),
            paused=(*self.show.paused(), *self.on_air.paused), cover=self.surround.seen.cover,
            problem=problem.code if problem else "",
            frames_dropped=self.show.frames_dropped(), pids=self._screen.pids(),
            faults=gravest(self.faults.faults), last_play_seq=self.plays.last_seq, started_at=self._started_at,
            ready=self.show.interludes.ready, locked=self.surround.brief.settings.locked,
        )  # fmt: skip

    async def _hear_applets(self) -> None:
        """What the applets' pages tell: to the agent, into the proof of play, to whoever counts their turns."""
        while True:
            match await self.applets.events.get():
                case AppletSpoke(applet, command):
                    self.server.tell(AppletSaid(applet, dict(command)))
                case AppletPlayed(item, play):
                    record = play_of(item, play, Moment(self._clock.monotonic(), self._wall()))
                    self.plays.record(
                        record, playlist_id=item.id, zone="main", screen_on=self.surround.screen_on,
                        clock_synced=bool(self._kernel_synced()),
                    )  # fmt: skip
                case AppletTapped():
                    self.on_air.tapped()
                case AppletAsks(number, applet, scope, what, asked) if self.server.heard:
                    self.server.tell(AppletAsked(number, applet, scope, what, dict(asked)))
                case AppletAsks(number):
                    self.applets.settle(number, refusal=AWAY)

    async def _keep_telling(self) -> None:
        while True:
            self._tell()
            await asyncio.sleep(TELL_S)

    async def _housekeeping(self) -> None:
        trimmed = self._clock.monotonic()  # not before the agent has said which plays a server has
        while True:
            if self.mark.is_another():
                self.show.judge_again()
            self.places.write(self.show.drivers, self._clock.monotonic())
            self.plays.write_waiting()
            if self.plays.sync_is_due():
                await asyncio.to_thread(self.plays.sync)
            if self._clock.monotonic() - trimmed > TRIM_S:
                trimmed = self._clock.monotonic()
                await asyncio.to_thread(self.plays.trim)
            await asyncio.sleep(1.0)

    async def _feed_watchdog(self) -> None:
        """Real progress: this loop turns, and the compositor answers."""
        if self.show.layout:
            with contextlib.suppress(TimeoutError):  # `run` starts the agent then: not while the first item is made ready
                async with asyncio.timeout(FIRST_S):
                    await self.show.first_shown.wait()
        sd_notify("READY=1\nSTATUS=on stage")
        self._started()
        while True:
            with contextlib.suppress(TimeoutError):  # `compositor.hang` ends one that hangs, sooner than this process is ended
                async with asyncio.timeout(ANSWER_S):
                    await self._compositor.outputs()
                sd_notify("WATCHDOG=1")
            await asyncio.sleep(min(watchdog_interval() or LOOK_S, LOOK_S))
