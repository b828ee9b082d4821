"""An AdCast server in one process, on SQLite and files: every path of its document, with working effects."""
