"""Commands: taken in once, carried out, answered.

Imports `settings`.
"""
