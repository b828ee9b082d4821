"""The control API and the local page, on the Unix socket, on `control.listen`, and under TLS.

Imports `commands`, `reports`, `settings`.
"""
