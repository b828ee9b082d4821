"""Spotwatch: what was on television, as a source of triggers. Nothing outside this folder knows its words."""
