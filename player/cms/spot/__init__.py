"""Spot: its API, its push by Pusher's protocol, and its words. Nothing outside this folder knows them.

Imports `http`, `listing`, `pace`, `push`, `telling`, `wire`, `words`.
"""
