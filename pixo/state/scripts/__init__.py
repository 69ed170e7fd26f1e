"""The scripts that change a job's state, one file each, and how they are run."""

from collections.abc import Callable
from importlib import resources
from typing import Any

from pixo.state import keys
from pixo.state.connection import Client, reaching
from pixo.state.durable import Durable

# These free memory, and must run on a server that has none left.
FREEING = ("delete", "expire")
# These hand out tiles, and get lanes.lua put before them.
HANDING = ("start", "take", "complete", "reopen", "recheck")
WORKING = ("create", "begin", "give_back", "start_join", "renew_join", "leave_join", "finish_join")
CLOSING = ("fail_tile", "fail", "cancel", "retry")


class Scripts:
    """The scripts of one connection. ``clock`` is the Lua of ``now()``: the server's time, but for tests."""

    def __init__(self, client: Client, durable: Durable, clock: str | None = None) -> None:
        self._durable = durable
        shared = [clock or _text("clock"), _text("prelude")]
        self._texts: dict[str, str] = {}
        for name in (*HANDING, *WORKING, *CLOSING, *FREEING):
            head = ["#!lua flags=allow-oom"] if name in FREEING else []
            parts = [*head, *shared, *([_text("lanes")] if name in HANDING else []), _text(name)]
            self._texts[name] = "\n".join(parts)
        self._calls: dict[str, Callable[..., Any]] = {
            name: client.register_script(text) for name, text in self._texts.items()
        }

    def run(self, name: str, id: str, *args: object) -> Any:
        """Run a script on a job in one round trip; the server is given the text again if it lost it."""
        with reaching():
            return self._calls[name](keys=keys.of_job(id), args=args)

    def run_durably(self, name: str, id: str, *args: object) -> Any:
        """Run a script on a job; its effect is on the server's disk when this returns, if the server can do that."""
        return self._durable.script(self._texts[name], keys.of_job(id), args)


def _text(name: str) -> str:
    return resources.files(__package__).joinpath(f"{name}.lua").read_text("utf-8")
