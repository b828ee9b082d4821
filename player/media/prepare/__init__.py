"""Foreign files are opened here, in a child process with little to lose, and become what the stage can show.

Imports `filetype`.
"""
