"""The benches' analysis, on made-up recordings: what is counted as blank, held, lost, late; and how figures meet their lines."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import math
import socket
import struct
import time
from pathlib import Path

import pytest
from PIL import Image

from player.core.cover import StageState
from player.core.ports.stage import AnyAnswer, AnyRequest, StageStatus
from player.stage.agent_socket import AgentSocket
from scripts.benches.capture import Spec, across, read_records
from scripts.benches.content import every_pair
from scripts.benches.figures import Figure, Required, middle, quantile, table, to_json
from scripts.benches.flash import per_day, written_by
from scripts.benches.framebuffer import places
from scripts.benches.hostile_server import HostileServer, bomb
from scripts.benches.plot import Row, draw, place
from scripts.benches.seamless import refresh_for
from scripts.benches.seams import Made, Sample, drawn, lost_within, seams, showings, steps, weight_sums
from scripts.benches.start import came_back, stepped_back_s, wrong_s
from scripts.benches.strip import BLACK, FRAMES, OTHER, Seen, Sort, levels, read
from scripts.benches.summary import summarize
from scripts.benches.watch import Watch, of_one_cause, opened_ports
from tests.fakes.running import eventually, running

CLIP = Made("clip", 1 / 30, 30)
MADE = {0: CLIP, 1: CLIP, 2: Made("still"), 3: Made("page", 1 / 60)}


def item(number: int, frame: int) -> Seen:
    return Seen(Sort.ITEM, number, frame)


def clip(number: int, began: float, frames: range = range(30), rate: int = 30) -> list[Sample]:
    return [Sample(began + index / rate, item(number, frame)) for index, frame in enumerate(frames)]


def mix(at: float, weight: float, before: int = 0, after: int = 1) -> Sample:
    weights = [0.0] * 8
    weights[before], weights[after] = 1 - weight, weight
    return Sample(at, Seen(Sort.MIX, weights=tuple(weights)))


# --- the strip


@pytest.mark.parametrize("number", range(8))
@pytest.mark.parametrize("frame", [0, 1, 511, 1023])
def test_a_strip_is_read_as_it_was_drawn(number: int, frame: int):
    assert read(levels(number, frame)) == item(number, frame)


def test_a_strip_survives_lossy_video():
    assert read([min(235, max(16, cell)) for cell in levels(5, 700)]) == item(5, 700)


def test_frame_numbers_wrap():
    assert levels(1, FRAMES + 3) == levels(1, 3)


def test_what_is_no_strip_is_told_apart():
    assert read([0] * 32) == BLACK
    assert read([32] * 32) == BLACK, "the compositor's own background"
    assert read([200] * 32) == OTHER
    damaged = list(levels(2, 9))
    damaged[12] = 255 - damaged[12]
    assert read(damaged).sort is not Sort.ITEM


@pytest.mark.parametrize("weight", [0.1, 0.25, 0.5, 0.9])
def test_a_mix_tells_how_much_of_each_is_to_be_seen(weight: float):
    cells = [round(a * (1 - weight) + b * weight) for a, b in zip(levels(1, 20), levels(6, 0), strict=True)]
    seen = read(cells)
    assert seen.sort is Sort.MIX
    assert seen.weights[1] == pytest.approx(1 - weight, abs=0.01)
    assert seen.weights[6] == pytest.approx(weight, abs=0.01)
    assert sum(seen.weights) == pytest.approx(1, abs=0.01)


# --- seams


def test_a_perfect_seam():
    (seam,) = seams([*clip(0, 0.0), *clip(1, 1.0)], MADE)
    assert (seam.before, seam.after, seam.wrong_s, seam.lost_tail, seam.lost_head) == (0, 1, 0.0, 0, 0)
    assert seam.hold_s == pytest.approx(0, abs=1e-6)
    assert seam.first_s == pytest.approx(0, abs=1e-6)


def test_a_last_frame_that_stands_too_long_is_a_hold():
    (seam,) = seams([*clip(0, 0.0), *clip(1, 1.1)], MADE)
    assert seam.hold_s == pytest.approx(0.1)
    assert seam.wrong_s == 0


def test_a_hold_is_counted_from_the_last_frame_that_came_and_lost_ones_are_told():
    (seam,) = seams([*clip(0, 0.0, range(27)), *clip(1, 1.0)], MADE)
    assert seam.lost_tail == 3
    assert seam.hold_s == pytest.approx(0.1)


def test_a_clip_that_begins_late_in_itself_lost_its_first_frames():
    (seam,) = seams([*clip(0, 0.0), *clip(1, 1.0, range(4, 30))], MADE)
    assert seam.lost_head == 4


def test_a_first_frame_that_stands_is_told():
    late = [Sample(1.0, item(1, 0)), *clip(1, 1.2, range(1, 30))]
    (seam,) = seams([*clip(0, 0.0), *late], MADE)
    assert seam.first_s == pytest.approx(0.2 - 1 / 30)


@pytest.mark.parametrize("wrong", [BLACK, OTHER])
def test_black_between_two_items_is_blank_and_ends_the_hold(wrong: Seen):
    (seam,) = seams([*clip(0, 0.0), Sample(1.0, wrong), *clip(1, 1.25)], MADE)
    assert seam.wrong_s == pytest.approx(0.25)
    assert seam.hold_s == pytest.approx(0, abs=1e-6)


def test_an_item_that_flashes_up_is_wrong_and_no_showing():
    (seam,) = seams([*clip(0, 0.0), Sample(1.0, item(2, 0)), *clip(1, 1.05)], MADE)
    assert (seam.before, seam.after) == (0, 1)
    assert seam.wrong_s == pytest.approx(0.05)


def test_what_breaks_into_a_showing_is_wrong_without_a_seam():
    shown, _ = showings([*clip(0, 0.0, range(15)), Sample(0.5, BLACK), *clip(0, 0.6, range(15, 30))])
    (showing,) = shown
    assert showing.wrong_s == pytest.approx(0.1)


def test_a_picture_has_no_frames_to_lose_or_hold():
    (seam,) = seams([Sample(0.0, item(2, 0)), *clip(0, 1.5)], MADE)
    assert (seam.hold_s, seam.lost_tail) == (None, None)


def test_frames_that_never_came_are_lost():
    (showing,) = showings(clip(0, 0.0, range(0, 30, 3)))[0]
    assert lost_within(showing, CLIP) == 18


def test_a_clip_that_begins_again_lost_nothing():
    (showing,) = showings([*clip(0, 0.0), *clip(0, 1.0)])[0]
    assert lost_within(showing, CLIP) == 0


def test_a_page_counts_on_over_its_wrap():
    frames = [*range(1020, 1024), *range(4)]
    (showing,) = showings([Sample(index / 60, item(3, frame)) for index, frame in enumerate(frames)])[0]
    assert lost_within(showing, MADE[3]) == 0


def test_a_crossfade_is_measured_by_its_mixtures():
    fade = [mix(1.0 + index / 60, index / 36) for index in range(1, 36)]
    (seam,) = seams([*clip(0, 0.0), *fade, *clip(1, 1.6)], MADE)
    assert steps(seam) == 35
    assert len(drawn(seam)) == 35
    assert weight_sums(seam) == pytest.approx([1.0] * 35)


def test_the_faint_edges_of_a_crossfade_count_as_steps():
    def faint(number: int, at: float, own: float, other: int) -> Sample:
        weights = [0.0] * 8
        weights[number], weights[other] = own, 1 - own
        return Sample(at, Seen(Sort.ITEM, number, 29 if number == 0 else 0, tuple(weights)))

    fade = [faint(0, 1.0, 0.96, 1), faint(0, 1.02, 0.93, 1), mix(1.04, 0.5), faint(1, 1.06, 0.92, 0), faint(1, 1.08, 0.95, 0)]
    (seam,) = seams([*clip(0, 0.0), *fade, *clip(1, 1.1)], MADE)
    assert steps(seam) == 5


def test_black_in_a_crossfade_is_a_sum_of_nothing():
    (seam,) = seams([*clip(0, 0.0), mix(1.0, 0.5), Sample(1.02, BLACK), *clip(1, 1.1)], MADE)
    assert weight_sums(seam) == pytest.approx([1.0, 0.0])


def test_a_dip_in_a_crossfade_shows_in_the_sum():
    dip = Sample(1.0, Seen(Sort.MIX, weights=(0.4, 0.4, 0, 0, 0, 0, 0, 0)))
    (seam,) = seams([*clip(0, 0.0), dip, *clip(1, 1.1)], MADE)
    assert weight_sums(seam) == pytest.approx([0.8])


def test_a_summary_looks_at_whole_showings():
    recording = [*clip(0, 0.0, range(20, 30, 3)), *clip(1, 0.5, range(0, 30, 2)), Sample(1.1, item(2, 0)), *clip(0, 2.7)]
    found = summarize("a player", recording, MADE, 1.5)
    assert (len(found.seams), found.shown, found.losses) == (3, 2, ((1, 14),))
    assert found.late_s == pytest.approx((0.1,))
    with pytest.raises(ValueError, match="a player: no change"):
        summarize("a player", clip(0, 0.0), MADE, 1.5)


def test_content_is_back_when_it_moves_again():
    before = clip(0, 0.0, range(20))
    assert came_back(before, 0.5) is None
    still = [*before, Sample(0.7, BLACK), Sample(0.9, item(1, 0))]
    assert came_back(still, 0.6) is None, "one frame is no playback"
    assert came_back([*still, *clip(1, 0.93, range(1, 10))], 0.6) == pytest.approx(0.9)
    held = [*before, *(Sample(0.7 + 0.02 * number, item(0, 15)) for number in range(10))]
    assert came_back(held, 0.66) is None, "a still that is drawn again is no playback"
    assert came_back([*held, *clip(0, 1.2, range(12, 20))], 0.66) == pytest.approx(1.2)


def test_what_is_neither_still_nor_content_counts_and_so_does_a_clip_that_is_not_where_it_was():
    before = clip(0, 0.0, range(20))
    after = clip(0, 1.2, range(12, 20))
    assert wrong_s([*before, Sample(0.7, item(0, 15)), *after], 0.66, 1.2) == 0
    assert wrong_s([*before, Sample(0.7, BLACK), Sample(0.8, OTHER), Sample(0.9, item(0, 15)), *after], 0.66, 1.2) == pytest.approx(
        0.2
    )
    assert stepped_back_s([*before, *after], 0.66, 1.2, 30) == pytest.approx(7 / 30)
    assert stepped_back_s([*before, *clip(1, 1.2)], 0.66, 1.2, 30) == math.inf


# --- content, capture, figures, plot


@pytest.mark.parametrize("count", [2, 3, 6, 7])
def test_each_kind_follows_each_other_once_a_round(count: int):
    order = every_pair(count)
    pairs = list(itertools.pairwise([*order, order[0]]))
    assert sorted(pairs) == sorted((a, b) for a in range(count) for b in range(count) if a != b)


def test_a_recording_is_read_record_by_record_and_a_torn_one_left():
    record = struct.pack("=d", 12.5) + bytes(levels(1, 7)) + bytes(levels(2, 8))
    assert read_records(record * 2 + record[:20], 2, 1) == [Sample(12.5, item(2, 8))] * 2


def test_a_spec_survives_its_words_and_its_strip_lies_in_the_upper_edge():
    spec = across(1280, 720)
    assert Spec.parse(str(spec)) == spec
    assert spec.strips[0].centres()[:2] == [20, 60]
    assert spec.part == (0, 24, 1280, 1)


def test_a_strip_is_found_in_the_memory_of_an_x_server():
    words = [160, 7, 2, 24, 64, 8, 0, 0, 32, 0, 32, 32, 4 * 64, 4, 0, 0, 0, 8, 256, 256, 64, 8, 0, 0, 0]
    spec = Spec((0, 3, 64, 1), across(64, 8).strips)
    first, second, *_ = places(struct.pack(">25I", *words), spec)
    assert first == 160 + 256 * 12 + 3 * 4 * 64 + 4 * 1 + 1
    assert second - first == 4 * 2


@pytest.mark.parametrize(("period_ms", "wanted"), [(16.667, 62.5), (18.0, 68.2), (20.0, 78.9)])
def test_a_screen_in_memory_is_asked_for_more_frames_the_longer_it_draws(period_ms: float, wanted: float):
    refresh = refresh_for(period_ms)
    assert refresh == pytest.approx(wanted, abs=0.1)
    assert 1000 / refresh + (period_ms - 16) == pytest.approx(1000 / 60)


def test_lines_are_kept_or_missed():
    assert Figure("b", "f", 9, "s", 3, required=Required(4, of_ratio=True)).met
    assert not Figure("b", "f", 13, "s", 3, required=Required(4, of_ratio=True)).met
    assert Figure("b", "f", 0.8, baseline=1, required=Required(0.8, of_ratio=True, at_least=True)).met
    assert Figure("b", "f", 1, required=Required(4, of_ratio=True)).met is None, "no baseline, no ratio"
    assert Figure("b", "f", 1, baseline=0).ratio is None
    assert Figure("b", "f", 1).met is None


def test_quantiles_are_of_nearest_rank():
    assert quantile(range(1, 101), 0.95) == 95
    assert quantile([5.0], 0.95) == 5.0
    assert middle([3, 1, 2]) == 2
    for measure in (middle, lambda samples: quantile(samples, 0.5)):
        with pytest.raises(ValueError, match="nothing was measured"):
            measure([])


def test_the_table_says_measured_baseline_ratio_line_and_verdict():
    figures = [
        Figure("start", "first frame", 1.5, "s", 0.5, "mpv", Required(2, of_ratio=True)),
        Figure("stage", "blank", 0, "ms", 300, "mpv", Required(0)),
    ]
    head, first, second = table(figures).splitlines()
    assert head.split() == ["figure", "measured", "baseline", "ratio", "required"]
    assert "3.00x" in first
    assert first.endswith("MISSED")
    assert second.endswith("met")
    kept = json.loads(to_json(figures, ["VLC: no"], {"cores": 2}))
    assert (kept["cores"], kept["unmeasured"], [f["met"] for f in kept["figures"]]) == (2, ["VLC: no"], [False, True])


def test_the_plot_is_a_picture_with_dots(tmp_path: Path):
    draw([Row("player", [0, 10, 40], [0]), Row("rival", [120], [300])], tmp_path / "seams.png")
    with Image.open(tmp_path / "seams.png") as picture:
        assert len(picture.convert("RGB").getcolors(1 << 20)) > 10
    assert place(0, 100) == 0
    assert place(200, 100) == pytest.approx(50)
    assert place(10**6, 100) == 100


# --- flash


def test_what_a_process_has_written_is_less_what_was_taken_back():
    io = "rchar: 9\nwchar: 9\nsyscr: 1\nsyscw: 1\nread_bytes: 5\nwrite_bytes: 12288\ncancelled_write_bytes: 4096\n"
    assert written_by(io) == 8192


def test_bytes_of_ten_minutes_are_megabytes_of_a_day():
    assert per_day(83_333, 600) == pytest.approx(12, abs=0.001)


# --- attacks


def test_lines_that_differ_in_numbers_and_names_alone_are_of_one_cause():
    lines = ['a command "x1" is refused (3)', 'a command "x2" is refused (14)', "the screen has 2 panels", ""]
    assert of_one_cause(lines) == 2
    assert of_one_cause([]) == 0


async def test_how_long_a_stage_stands_still_is_measured_at_its_socket(runtime_dir: Path):
    async def handle(request: AnyRequest) -> AnyAnswer:
        raise AssertionError(request)

    served, watch = AgentSocket(runtime_dir / "stage.sock", handle), Watch()
    async with running(served.run()):
        await eventually((runtime_dir / "stage.sock").is_socket)
        async with running(asyncio.to_thread(watch.ask_stage, runtime_dir / "stage.sock")):
            await eventually(lambda: watch.stage_stall_ms > 0, 20)
            for _ in range(3):
                await asyncio.sleep(0.1)
                asyncio.get_running_loop().call_soon(time.sleep, 0.4)  # it stands still
                served.tell(StageStatus(state=StageState.PLAYING))
            await eventually(lambda: watch.stage_stall_ms >= 200, 20)
            watch.over.set()


def test_a_port_that_is_opened_is_seen():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receives, socket.create_server(("127.0.0.1", 0)) as listens:
        receives.bind(("127.0.0.1", 0))
        mine = {found.getsockname()[1] for found in (receives, listens)}
        assert mine <= opened_ports()
    assert not mine & opened_ports()


def test_a_picture_bomb_is_small_and_means_to_be_large():
    content = bomb(5000)
    assert len(content) < 20_000
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.size == (5000, 5000)
        picture.load()


def test_the_hostile_server_has_good_pictures_beside_what_it_is_told_to_say():
    server = HostileServer(files={"/good1.png": (b"png", "image/png")})
    good = json.loads((server.answer("/api/device/playlist?uuid=1") or (b"", ""))[0])["playlist"]["items"]
    assert [row["download_url"] for row in good] == ["/good1.png", "/good2.png"]
    server.beat = lambda: {"paired": False}
    assert server.answer("/api/device/heartbeat") == (b'{"paired": false}', "application/json")
    assert (server.answer("/good1.png"), server.answer("/good9.png")) == ((b"png", "image/png"), None)
