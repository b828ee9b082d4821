"""Benches: what the player costs and how it looks, measured from outside, each figure beside a baseline of the same run.

    figures   one measured number, its baseline and its required line; the table and the JSON
    strip     the code that every frame of the test content carries, and how it is read off a screen
    seams     what a recording of the screen says about the change from one item to the next
    content   coded clips, pictures and a page
    capture   records the strip from the screen itself (wlr-screencopy), as a process of its own
    framebuffer   the same from an X server, for who cannot draw under the compositor
    rig       folders, compositor, stage and rival players as processes
    watch     what is seen of a player while it is attacked
    start, footprint, agents, download, rules, items, pushed, seamless, regions, trigger, endurance, flash, small, hostile, cards,
              boundary: what is measured; summary: what `seamless` makes of a recording
    rivals, hostile_server, hostile_films   other players, and a server that attacks
    plot      a picture of holds and blanks

A bench judges nothing: it prints met or missed, and fails only when something could not be measured.
"""
