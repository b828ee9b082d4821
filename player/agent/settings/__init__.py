"""What this device is told to be: the registry of settings, the lock and its PIN, alerts, and the brief that the stage reads.

Imports no other wing.
"""
