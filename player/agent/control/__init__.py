"""The control API and the local page, on the Unix socket and on `control.listen`.

Imports `commands`, `reports`, `settings`.
"""
