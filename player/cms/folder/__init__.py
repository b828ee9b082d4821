"""A folder of files, or a stick: shown as it lies there. Nothing outside this folder knows of it.

Imports no other wing.
"""
