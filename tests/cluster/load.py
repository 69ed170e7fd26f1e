"""Many jobs at once, and a watch over the door while something is done to the cluster."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx

from tests.cluster.pictures import painted, right
from tests.cluster.release import Release

SIZES = tuple((4000 + 16 * n, 3000) for n in range(5))
CHAIN = "median:radius=4,blur:sigma=20,sharpen"


class Jobs:
    """Jobs of pictures of 12 megapixels with a costly chain; each result is compared, pixel by pixel."""

    def __init__(self, release: Release) -> None:
        self._release = release
        self._open: list[tuple[str, tuple[int, int]]] = []

    def submit(self, count: int) -> None:
        """Upload so many pictures."""
        with self._release.client() as client:
            for number in range(count):
                size = SIZES[number % len(SIZES)]
                self._open.append((self._release.submit(client, painted(*size), filters=CHAIN), size))

    def unfinished(self) -> int:
        """Give how many have not ended yet."""
        with self._release.client() as client:
            answers = [client.get(f"/api/v1/jobs/{job}").json() for job, _ in self._open]
        return sum(answer["status"] not in {"done", "failed", "cancelled"} for answer in answers)

    def finish(self, patience: float = 900) -> None:
        """Return when all have ended and every result is right."""

        def ends_right(job: str, size: tuple[int, int]) -> bool:
            with self._release.client() as client:
                return right(self._release.finish(client, job, patience), *size, CHAIN)

        with ThreadPoolExecutor(4) as pool:
            results = list(pool.map(lambda one: ends_right(*one), self._open))
        assert all(results)
        self._open.clear()


class Watch:
    """Calls the door all the time, and remembers what failed."""

    def __init__(self, release: Release) -> None:
        self.calls = 0
        self.failures: list[str] = []
        self._release = release
        self._calls = (
            ("GET", "/", None),
            ("GET", "/api/v1/jobs?limit=5", None),
            ("POST", "/api/v1/jobs?filters=invert&wait=20", painted(640, 480)),
        )
        self._stop = threading.Event()

    def _run(self, method: str, path: str, body: bytes | None) -> None:
        with self._release.client() as client:
            while not self._stop.wait(0.1):
                self._call(client, method, path, body)

    def _call(self, client: httpx.Client, method: str, path: str, body: bytes | None) -> None:
        self.calls += 1
        try:
            answer = client.request(method, path, content=body, headers={"Content-Type": "image/jpeg"} if body else {})
        except httpx.HTTPError as error:
            self.failures.append(f"{method} {path}: {error!r}")
        else:
            if answer.status_code >= 400:
                self.failures.append(f"{method} {path}: {answer.status_code} {answer.text[:200]}")

    @contextmanager
    def watching(self) -> Iterator["Watch"]:
        """Call until the block ends."""
        # Each by itself: a picture waits for its turn, while the door is to be tried all the time.
        threads = [threading.Thread(target=self._run, args=call) for call in self._calls for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()
