"""A Screenzzie server in one process: every path of its document with its effects, for demonstrations and tests.

What its document leaves to the web panel (files, the items of playlists, sequences, which screens a schedule is for) is done by
`panel`, and read by two paths beside the document's: `sequences`, and `schedules/{id}/screens`.
"""
