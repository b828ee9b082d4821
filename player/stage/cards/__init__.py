"""The pictures that the player itself draws, over content or instead of it.

Imports `drawing`, `wayland`.
"""
