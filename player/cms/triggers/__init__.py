"""Spotwatch: what was on television, as a source of triggers beside any server. Nothing outside this folder knows its words.

Imports `folder`, `http`, `pace`, `wire`.
"""
