"""The screens that there can be: sway, one window, none.

Imports `cards`, `drawn`, `heard`, `regions`, `surround`, `video`, `wall`, `wayland`, `web`.
"""
