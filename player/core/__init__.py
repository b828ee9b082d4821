"""Pure decisions: no I/O, no clock, no dice, no asyncio. Time and seed are arguments."""
