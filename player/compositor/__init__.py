"""The compositor: sway, started with a generated configuration, and spoken to over its IPC."""
