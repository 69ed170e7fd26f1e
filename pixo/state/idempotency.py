"""Idempotency-Key: the same upload sent twice makes one job."""

from pixo.errors import Refusal
from pixo.state import keys
from pixo.state.connection import Client, reaching

LIFE_S = 86_400


class Idempotency:
    """Which job a client's key stands for, for a day."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def claim(self, key: str, fingerprint: str, id: str) -> str | None:
        """Let the key stand for job ``id``; None if it does now, else the id that it stands for already.

        That job may not exist, if its upload was cut off: do the upload again under that id.
        Raise Refusal("idempotency-key-reused") if the key came with another request before.
        """
        with reaching():
            before = self._client.set(keys.idempotency(key), f"{id} {fingerprint}", nx=True, get=True, ex=LIFE_S)
        if before is None:
            return None
        claimed, _, known = before.decode().partition(" ")
        if known != fingerprint:
            raise Refusal("idempotency-key-reused", "This Idempotency-Key was already used with a different request.")
        return None if claimed == id else claimed
