"""The web role: takes uploads, answers the API, serves the page. Does no image work but reading headers."""
