"""A progress bar over the tiles of one or many jobs; silent if the output is not a terminal."""

from threading import Lock
from typing import Self

from tqdm import tqdm

from services.cli.api import Document


class Bar:
    """Adds up the tiles of jobs; safe to use from many threads; a context manager."""

    def __init__(self, files: int, *, quiet: bool = False) -> None:
        self._files = files
        self._ended = 0
        self._jobs: dict[str, tuple[int, int]] = {}
        self._lock = Lock()
        # None: shown on terminals only.
        self._bar = tqdm(total=0, unit="tile", disable=True if quiet else None, dynamic_ncols=True, leave=False)

    def show(self, job: Document) -> None:
        """Take in the state of a job."""
        with self._lock:
            self._jobs[job["id"]] = job["tiles"]["done"], job["tiles"]["total"]
            self._bar.total = sum(total for _, total in self._jobs.values())
            self._bar.n = sum(done for done, _ in self._jobs.values())
            text = job["status"] if self._files == 1 else f"{self._ended}/{self._files} files"
            self._bar.set_description(text, refresh=False)
            self._bar.refresh()

    def ended(self) -> None:
        """Count a file that is through, well or not."""
        with self._lock:
            self._ended += 1

    def line(self, text: str) -> None:
        """Print a line above the bar."""
        with self._lock, tqdm.external_write_mode():
            print(text, flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()
