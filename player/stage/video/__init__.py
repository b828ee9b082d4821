"""Videos, pictures, streams and sound, by libmpv.

Imports no other wing.
"""
