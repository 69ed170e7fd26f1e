"""The routes of the web role, a file for each group; every file's ``routes(parts)`` gives a blueprint."""
