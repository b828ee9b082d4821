"""What the server wants on air becomes files on disk and one manifest. May import `agent.stage_client` and the package `media`."""
