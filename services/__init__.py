"""The roles, one package each, and the command line; none imports another role."""
