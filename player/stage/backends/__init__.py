"""The screens that there can be: sway, one window, none.

Imports `applets`, `cards`, `drawn`, `heard`, `regions`, `surround`, `video`, `wall`, `wayland`, `web`.
"""
