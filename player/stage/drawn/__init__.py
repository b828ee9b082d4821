"""Items that the player draws itself: running text and clocks.

Imports `cards`, `drawing`, `wayland`.
"""
