"""A Spot server in one process, on SQLite and files: every path of its document with working effects, and its push."""
