"""Items that are heard and have no picture of their own: music, announcements.

Imports `drawing`, `video`, `wayland`.
"""
