"""Web pages: one Chromium on a short lead, and the surface that shows its windows.

Imports no other wing.
"""
