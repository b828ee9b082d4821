"""A Spotwatch server in one process: every path of its document, and a day of television that never was, replayed at any speed.

Channels, programmes, brands and advertisements are made up.
"""
