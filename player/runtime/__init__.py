"""What every daemon needs of its process: clock, tasks, systemd, logs, its page of the fault book. Imports `core`, `errors`."""
