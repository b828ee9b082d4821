"""Sources of triggers, beside any server: one folder each, where its words stop; `files` are those of this machine that rules name.

Imports `folder`, `http`, `listing`, `pace`, `wire`.
"""
