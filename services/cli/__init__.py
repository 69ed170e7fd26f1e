"""The `pixo` command: one file a command; only the one that is asked for is imported."""
