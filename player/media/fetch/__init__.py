"""Fetching files from servers: whole, checked and resumable. Imports `media.filetype` and nothing else of `media`."""
