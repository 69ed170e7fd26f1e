"""The real server as processes of the model see it: answers get lost, and now and then its memory does."""

from typing import Any

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import ConnectionError as Unanswered

from tests.property.protocol.processes import pause

CLOCK = "local function now() return tonumber(redis.call('GET', 'pixo:clock')) end"
SPARE = 8
"""The database in which the disk is simulated."""
COPY = """
redis.call('SELECT', ARGV[2])
redis.call('FLUSHDB')
redis.call('SELECT', ARGV[1])
for _, key in ipairs(redis.call('KEYS', '*')) do redis.call('COPY', key, key, 'DB', ARGV[2]) end
"""
AGE = """
for _, key in ipairs(redis.call('KEYS', '*')) do
  local left = redis.call('PTTL', key)
  if left > 0 then redis.call('PEXPIRE', key, left - ARGV[1]) end
end
"""


class _Requests(Pipeline):
    """Commands sent together: one step."""

    trouble: Any

    def execute(self, raise_on_error: bool = True) -> list[Any]:  # noqa: FBT001, FBT002 - the library's
        """Send them."""
        pause()
        trouble = self.trouble("redis")
        if trouble == "lost":
            self.reset()
            raise Unanswered("never arrived")
        found = super().execute(raise_on_error)
        if trouble == "mute":
            raise Unanswered("no answer")
        return found


class Client(Redis):
    """A client each of whose requests is a step; ``trouble`` gives what goes wrong with the next one."""

    trouble: Any

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send a command."""
        pause()
        trouble = self.trouble("redis")
        if trouble == "lost":
            raise Unanswered("never arrived")
        found = super().execute_command(*args, **options)
        if trouble == "mute":
            raise Unanswered("no answer")
        return found

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> _Requests:  # noqa: FBT001, FBT002
        """Give what collects commands."""
        found = _Requests(self.connection_pool, self.response_callbacks, transaction, shard_hint)
        found.trouble = self.trouble
        return found


class Server:
    """The server from outside of the model: its memory, its disk and its clock."""

    def __init__(self, url: str) -> None:
        self.client = Redis.from_url(url, protocol=2, single_connection_client=True)
        self.client.flushdb()
        self.client.script_flush()  # a script that the server knows already is a step less
        self._number = self.client.connection_pool.connection_kwargs["db"]
        self._copy = self.client.register_script(COPY)
        self._age = self.client.register_script(AGE)
        self.fsync()

    def set_clock(self, ms: int) -> None:
        """Let it be so late."""
        self.client.set("pixo:clock", ms)

    def age(self, ms: int) -> None:
        """Let keys expire whose time has come."""
        self._age(args=[ms])

    def fsync(self) -> None:
        """Put everything on the disk."""
        self._copy(args=[self._number, SPARE])

    def lose_second(self) -> None:
        """Bring it back to what was on the disk."""
        self._copy(args=[SPARE, self._number])
        self.client.execute_command("SELECT", self._number)

    def lose_all(self) -> None:
        """Bring it back empty, its scripts and its disk too."""
        self.client.flushdb()
        self.client.script_flush()
        self.fsync()

    def close(self) -> None:
        """Let go of it."""
        self.client.close()
