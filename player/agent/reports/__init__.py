"""What leaves the device: telemetry, results, proof of play, status.

Imports `commands`, `server_folder`, `settings`.
"""
