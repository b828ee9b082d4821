"""What leaves the device: telemetry, results, proof of play, status. May import `agent.commands` and `agent.settings`."""
