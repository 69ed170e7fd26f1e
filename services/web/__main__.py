"""The web role as a process: ``python -m services.web``."""

import os

from pixo import startup
from services.web.server import Server


def main() -> None:
    """Serve the page and the API until told to stop; a wrong setting ends the process with its name."""
    Server(startup.configure("web", os.environ)).run()


if __name__ == "__main__":
    main()
