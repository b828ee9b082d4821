"""Commands: taken in once, carried out, answered. May import `agent.settings`."""
