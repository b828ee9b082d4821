"""Starting the daemons together, as whom, and again when one ends."""
