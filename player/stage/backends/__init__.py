"""The screens that there can be: sway, one window, none.

Imports `cards`, `drawn`, `regions`, `surround`, `video`, `wall`, `wayland`, `web`.
"""
