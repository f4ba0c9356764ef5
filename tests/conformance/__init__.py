"""Every dialect through every case."""
