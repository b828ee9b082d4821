"""The management API under `/v1` and `/v2` of the control listeners: signageOS's, as its public client speaks it, for one box.

`api` judges and routes, `doorkeeper` says who asks, and each page that ends in `_calls` holds the calls of one matter and the rows
that lead to them. What is asked goes to the same registry of settings and the same ledger of commands as through every other door;
`effects` brings it about, and `action_log` keeps how it ended. Sources: the public document, and @signageos/sdk 2.11.0 as it
behaves; where they differ, the client.

Imports `control`, `settings`.
"""
