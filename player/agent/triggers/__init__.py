"""Triggers: what a source tells, which rule answers, and what stands by for it.

Imports `reports`.
"""
