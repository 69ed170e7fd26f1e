"""The monitor's view of topics, partitions, lag and roles, for whoever shows it."""

from typing import Any

import msgspec

from pixo.state import keys
from pixo.state.connection import Client, reaching

LIFE_S = 30


class Cluster:
    """One snapshot, written every 5 s, which lives 30 s."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def write(self, snapshot: dict[str, Any]) -> None:
        """Put a new snapshot in the place of the old one."""
        with reaching():
            self._client.set(keys.CLUSTER, msgspec.json.encode(snapshot), ex=LIFE_S)

    def read(self) -> dict[str, Any] | None:
        """Return the snapshot; None if there is none that is young enough."""
        with reaching():
            raw = self._client.get(keys.CLUSTER)
        return None if raw is None else msgspec.json.decode(raw, type=dict[str, Any])
