"""Every heartbeat renews the record of the process that sent it."""

from collections.abc import Callable

from pixo import logs, messages, metrics
from pixo.broker import Record
from pixo.errors import BadRecord
from pixo.messages import Heartbeat
from pixo.state import State
from services.monitor.delays import LATE, Delays

log = logs.logger(__name__)


class Heartbeats:
    """Hears heartbeats. ``clock`` is unix time in seconds, as records are stamped."""

    def __init__(self, state: State, clock: Callable[[], float]) -> None:
        self._state = state
        self._clock = clock
        self._delays = Delays()

    def hear(self, record: Record) -> None:
        """Take a heartbeat; raise BadRecord for anything else, TryAgain("redis")."""
        beat = messages.decode(record.value)
        if not isinstance(beat, Heartbeat):
            raise BadRecord(f"{type(beat).__name__} does not belong here", record.value or b"")
        metrics.heartbeats.labels(beat.role).inc()
        now = self._clock()
        late = self._delays.late(beat.id, record.timestamp_ms / 1000, now)
        if late > LATE:
            log.debug("old heartbeat", id=beat.id, role=beat.role)
            return
        self._state.workers.beat(beat, now - late)
        if beat.stopping:
            self._delays.forget(beat.id)
            log.event("process stops", id=beat.id, role=beat.role)
