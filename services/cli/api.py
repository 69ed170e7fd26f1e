"""The HTTP API for the commands: JSON documents, one-line errors, retries while a server restarts."""

import argparse
import hashlib
import os
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Self
from urllib.parse import urlsplit

import httpx

from pixo.errors import ConfigError, PixoError, Refusal, TryAgain
from pixo.settings import load
from services.cli.hints import hint
from services.cli.replacing import replacing

Document = dict[str, Any]

PATIENCE = 60.0
"""Seconds for which a server that has answered before may be away or say 503."""
ANSWER = 90.0
"""Seconds that one answer may take: longer than any wait that a server can be asked for."""
QUEUE_PATIENCE = 3600.0
"""Seconds for which a full server is asked again, each time when it said that there should be room."""
PAUSE = 0.5
"""Seconds until a server is asked again that does not say when."""
ENDED = frozenset({"done", "failed", "cancelled", "expired"})
_BUSY = (502, 503, 504)
_FULL = 429
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_BLOCK = 1 << 20


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how the server is found."""
    parser.add_argument("--server", metavar="URL", help="the server (default: the one on this machine)")
    parser.add_argument("--token", help="its API token (default: the first of PIXO_API_TOKENS)")


def connect(
    given: argparse.Namespace, environ: Mapping[str, str], patience: float = PATIENCE, answer: float = ANSWER
) -> "Api":
    """Return the API of the server that the options name; nothing is sent yet."""
    web = load(environ).web
    token = given.token or next(iter(web.tokens), "")
    server = given.server or f"http://127.0.0.1:{web.port}"
    try:
        url = urlsplit(server)
        known = url.scheme in ("http", "https") and url.hostname and (url.port is None or url.port > 0)
    except ValueError:
        known = False
    if not known:
        raise ConfigError(f"--server {server}: must begin with http:// or https:// and name a host")
    if not token.isascii() or not token.isprintable():
        raise ConfigError("--token: tokens are plain ASCII")
    return Api(server, token, patience, answer)


class Stopped(Exception):
    """Raised by calls under way after ``Api.stop``."""


class Api:
    """A client of one server; safe to use from many threads; a context manager."""

    def __init__(
        self,
        server: str,
        token: str = "",
        patience: float = PATIENCE,
        answer: float = ANSWER,
        queue_patience: float = QUEUE_PATIENCE,
        tell: Callable[[str], object] = lambda text: print(f"pixo: {text}", file=sys.stderr, flush=True),
    ) -> None:
        self._server = server.rstrip("/")
        self._patience = patience
        self._queue_patience = queue_patience
        self._tell = tell
        self._seen = False
        self._stopping = threading.Event()
        self._client = httpx.Client(
            base_url=self._server,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=httpx.Timeout(answer, connect=5),
            follow_redirects=True,
            # A proxy is for the world outside, never for this machine.
            trust_env=urlsplit(server).hostname not in _LOOPBACK,
        )

    def get(self, path: str, **params: object) -> Document:
        """Return the document at the path below /api/v1."""
        query = {name: str(value) for name, value in params.items() if value is not None}
        return self._document(lambda: self._client.get(f"/api/v1/{path}", params=query))

    def submit(self, source: Path, fields: Mapping[str, str]) -> Document:
        """Upload a file, streamed from the disk, and return the new job; done once, however often it is tried."""
        headers = {"Content-Type": "application/octet-stream", "Idempotency-Key": str(uuid.uuid4())}
        # A name that is no text, of an old disk, is sent as far as it is one.
        params = {**fields, "filename": os.fsencode(source.name).decode(errors="replace")}

        def send() -> httpx.Response:
            with _opened(source) as body:
                pieces = _Body(body, self._go_on)
                return self._client.post("/api/v1/jobs", params=params, headers=headers, content=pieces)

        return self._document(send)

    def job(self, id: str, wait: float = 0.0) -> Document:
        """Return the job, when it ends or after so many seconds."""
        return self.get(f"jobs/{id}", wait=wait or None)

    def stop(self) -> None:
        """Have the calls under way in other threads raise Stopped: at their next block of bytes, or next answer."""
        self._stopping.set()

    def url(self, link: str) -> str:
        """Return the whole address of a link in a document."""
        return self._server + link

    def download(self, job: Document, target: Path) -> None:
        """Fetch the result of a job that is done; the file appears whole and proven, or not at all."""
        with replacing(target) as part:
            self._patiently(lambda: self._proven(job, part))

    def fetch(self, link: str, target: Path) -> tuple[str, str]:
        """Write what is at a link to a file; return its SHA-256 and what the ETag holds."""
        digest = ""

        def send() -> httpx.Response:
            nonlocal digest
            response, digest = self._stream(link, target)
            return response

        tag = self._patiently(send).headers.get("ETag", "")
        return digest, tag.strip('"')

    def _proven(self, job: Document, part: Path) -> httpx.Response:
        response, digest = self._stream(job["links"]["result"], part)
        if response.is_success and digest != job["result"]["sha256"]:
            raise TryAgain("web", "the result was corrupted on its way")
        return response

    def _stream(self, link: str, target: Path) -> tuple[httpx.Response, str]:
        """Write the body to the file, and return its SHA-256, unless the answer is a problem."""
        digest = hashlib.sha256()
        with self._client.stream("GET", link) as response:
            if response.status_code != httpx.codes.OK:
                response.read()
                return response, ""
            with target.open("wb") as file:
                for block in response.iter_bytes(_BLOCK):
                    self._go_on()
                    digest.update(block)
                    file.write(block)
        return response, digest.hexdigest()

    def _document(self, send: Callable[[], httpx.Response]) -> Document:
        response = self._patiently(send)
        try:
            document: Document = response.json()
        except ValueError as error:
            raise Refusal("not-pixo", f"{response.url} is not a Pixo server: its answer is not JSON") from error
        return document

    def _patiently(self, send: Callable[[], httpx.Response]) -> httpx.Response:
        """Send until there is an answer that counts; raise Refusal for a problem document, TryAgain at the end."""
        begun = time.monotonic()
        while True:
            self._go_on()
            tried = self._try(send)
            if isinstance(tried, httpx.Response):
                return tried
            if time.monotonic() + tried.again > begun + tried.patience:
                raise tried.problem
            if tried.full:
                self._tell(f"{tried.problem} Trying again in {tried.again:g} s.")
            self._stopping.wait(tried.again)

    def _go_on(self) -> None:
        if self._stopping.is_set():
            raise Stopped

    def _try(self, send: Callable[[], httpx.Response]) -> "httpx.Response | _Later":
        try:
            response = send()
        except httpx.RequestError as error:
            problem = TryAgain("web", f"cannot reach {self._server} ({_why(error)}); is it running?")
            if not self._seen and isinstance(error, httpx.ConnectError):
                raise problem from error
            return _Later(problem, PAUSE, self._patience)
        except TryAgain as error:
            return _Later(error, PAUSE, self._patience)
        self._seen = True
        if response.is_success:
            return response
        said = _problem(response)
        if response.status_code == _FULL:
            return _Later(said, _again(response), self._queue_patience, full=True)
        if response.status_code in _BUSY:
            return _Later(TryAgain("web", str(said)), _again(response), self._patience)
        raise said

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()


class _Body:
    """A file on its way up; ``check`` may raise before each block."""

    def __init__(self, file: BinaryIO, check: Callable[[], object]) -> None:
        self._file = file
        self._check = check

    def read(self, size: int) -> bytes:
        self._check()
        return self._file.read(size)

    def fileno(self) -> int:
        return self._file.fileno()

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.read(_BLOCK), b"")


class _Later(NamedTuple):
    """An answer that does not count, and when to ask again."""

    problem: PixoError
    again: float
    patience: float
    full: bool = False


def _opened(source: Path) -> BinaryIO:
    try:
        return source.open("rb")
    except OSError as error:
        raise PixoError(f"cannot read {source}: {error.strerror}") from error


def _problem(response: httpx.Response) -> PixoError:
    """Return the error that the server's problem document tells."""
    try:
        said = response.json()
        text = said["detail"]
    except (ValueError, KeyError, TypeError):
        return Refusal("not-pixo", f"{response.url} answered {response.status_code} without a problem document")
    return Refusal(said.get("what", "refused"), text + hint(said.get("setting")))


def _again(response: httpx.Response) -> float:
    """Return the seconds after which to ask again: what the server wants, by a proxy perhaps as a date; not none."""
    said = response.headers.get("Retry-After", "")
    if said.isascii() and said.isdigit():
        return max(PAUSE, float(said))
    try:
        return max(PAUSE, parsedate_to_datetime(said).timestamp() - time.time())
    except ValueError:
        return PAUSE


def _why(error: httpx.RequestError) -> str:
    cause = error.__cause__ or error
    while cause.__cause__ or cause.__context__:
        cause = cause.__cause__ or cause.__context__ or cause
    number = getattr(cause, "errno", None)
    return os.strerror(number) if number else str(error) or type(error).__name__
