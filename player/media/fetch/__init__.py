"""Files come from servers: whole, checked and resumable, or not at all.

Imports `filetype`.
"""
