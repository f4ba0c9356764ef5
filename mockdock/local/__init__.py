"""The verbs of a server in this process."""
