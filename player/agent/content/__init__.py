"""What the server wants on air becomes files on disk and one manifest, which the stage plays.

Imports `reports`.
"""
