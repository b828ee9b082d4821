"""Every seam of the player, a page a seam: the Protocols that drivers and fakes implement, and the messages that cross them.

Abilities are data: what a box cannot do is an `Absent` with its reason, not an exception (house rule 5).
"""
