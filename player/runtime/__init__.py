"""What every daemon needs of its process: clock, tasks, systemd, logs. Imports nothing of the player but `errors`."""
