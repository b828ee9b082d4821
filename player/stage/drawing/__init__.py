"""Text and shapes into pixels: fonts, directions, line breaks, colours.

Imports no other wing.
"""
