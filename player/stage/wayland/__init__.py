"""Small Wayland clients: layer surfaces, plain windows, the seat.

Imports no other wing.
"""
