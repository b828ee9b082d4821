"""A folder instead of a server, for the demonstration: there is nothing to speak to."""
