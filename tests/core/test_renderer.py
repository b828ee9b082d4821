"""gles2 or pixman: by a death before the first frame, by whom the render node belongs to, and anew on another ground."""

from __future__ import annotations

from dataclasses import replace

import pytest

from player.core.renderer import CardVerdict, Choice, Ground, RenderNode, Start, Traces, choose, judge, node_of

CARD = Ground("virtio_gpu", "pci:v1AF4", "6.1.0-35", "262144-1690000000", "0.2.0")
DIED = Traces(announced=True, left_socket=True, drew=False)
DREW = Traces(announced=True, left_socket=True, drew=True)
WAS_STOPPED = Traces(announced=True, left_socket=False, drew=False)
CAME_TO_NOTHING = Traces(announced=False, left_socket=False, drew=False)
TRIED = Start("gles2", CARD)


def test_one_death_before_the_first_frame_is_enough():
    assert judge(None, CARD, TRIED, DIED) == CardVerdict(CARD)
    assert judge(None, CARD, TRIED, CAME_TO_NOTHING) == CardVerdict(CARD)


def test_a_death_after_a_frame_and_an_end_in_order_say_nothing_of_the_card():
    assert judge(None, CARD, TRIED, DREW) is None
    assert judge(None, CARD, TRIED, WAS_STOPPED) is None


def test_nothing_is_counted_at_the_first_start_of_a_boot_nor_against_pixman():
    assert judge(None, CARD, None, CAME_TO_NOTHING) is None
    assert judge(None, CARD, Start("pixman", CARD), DIED) is None


def test_what_is_known_holds_also_where_the_disk_took_nothing():
    assert judge(CardVerdict(CARD), CARD, None, DREW) == CardVerdict(CARD)
    assert judge(None, CARD, Start("pixman", CARD, CardVerdict(CARD)), DREW) == CardVerdict(CARD)


@pytest.mark.parametrize("changed", ["driver", "chip", "kernel", "mesa", "player"])
def test_on_another_ground_gles2_is_tried_anew(changed: str):
    other = replace(CARD, **{changed: "another"})
    assert judge(CardVerdict(CARD), other, Start("pixman", CARD, CardVerdict(CARD)), DIED) is None
    assert judge(None, other, TRIED, DIED) is None


def test_a_node_that_is_still_roots_alone_waits_for_udev_and_one_of_a_group_is_refused():
    assert node_of(usable=True, owner=0, group=0) is RenderNode.OPEN
    assert node_of(usable=False, owner=0, group=0) is RenderNode.UNTOUCHED
    assert node_of(usable=False, owner=0, group=106) is RenderNode.REFUSED


@pytest.mark.parametrize(
    ("wanted", "backend", "node", "verdict", "renderer", "why"),
    [
        ("auto", "drm", RenderNode.OPEN, None, "gles2", "the graphics chip draws"),
        ("gles2", "headless", RenderNode.OPEN, None, "gles2", "the graphics chip draws"),
        ("pixman", "drm", RenderNode.OPEN, None, "pixman", "stage.renderer"),
        ("auto", "headless", RenderNode.OPEN, None, "pixman", "no panel"),
        ("gles2", "drm", RenderNode.ABSENT, None, "pixman", "no render node"),
        ("auto", "drm", RenderNode.REFUSED, None, "pixman", "group (render)"),
        ("auto", "drm", RenderNode.UNTOUCHED, None, "pixman", "group (render)"),
        ("gles2", "drm", RenderNode.OPEN, CardVerdict(CARD), "pixman", "first frame (virtio_gpu, kernel 6.1.0-35)"),
    ],
)
def test_the_choice_has_its_reason(
    wanted: str, backend: str, node: RenderNode, verdict: CardVerdict | None, renderer: str, why: str
):  # fmt: skip
    choice = choose(wanted, backend, node, verdict)
    assert choice == Choice(renderer, choice.why)
    assert why in choice.why
