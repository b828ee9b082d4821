"""The local control API and page. May import every other wing of the agent but `content`."""
