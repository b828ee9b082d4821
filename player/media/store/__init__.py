"""The media store: what is kept, under which name, and whether it is still right.

Imports `fetch`, `filetype`.
"""
