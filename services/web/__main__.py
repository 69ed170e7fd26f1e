"""The web role as a process: ``python -m services.web``."""

import os

from pixo import startup
from services.web.server import Server


def main() -> int:
    """Serve the page and the API until told to stop."""
    return Server(startup.configure("web", os.environ)).serve()


if __name__ == "__main__":
    startup.run("web", main)
