"""An AdCast server in one process, on SQLite and files, for demonstrations and tests."""
