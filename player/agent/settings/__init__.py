"""What this device is told to be, kept durably and put into effect.

Imports no other wing.
"""
