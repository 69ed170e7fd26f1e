"""What Kafka's errors mean for the caller: wait, give up the record, or end the process."""

import logging
import math
from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException

from pixo import logs
from pixo.errors import BadRecord, ConfigError, Fatal, PixoError, TryAgain

log = logs.logger(__name__)

_NOT_ALLOWED = (
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
)
_TOO_LARGE = (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE)
_NEVER = (
    KafkaError.INVALID_PARTITIONS,
    KafkaError.INVALID_CONFIG,
    KafkaError.POLICY_VIOLATION,
    KafkaError.TOPIC_EXCEPTION,
    KafkaError._UNSUPPORTED_FEATURE,  # noqa: SLF001 - librdkafka's name for its own errors
)
# A commit that comes too late: the partition's next holder starts where the last one succeeded.
_LATE_COMMIT = (
    KafkaError._NO_OFFSET,  # noqa: SLF001
    KafkaError._ASSIGNMENT_LOST,  # noqa: SLF001
    KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError.STALE_MEMBER_EPOCH,
)


def of(error: KafkaException) -> KafkaError:
    """Return the error inside the exception."""
    found = error.args[0]
    return found if isinstance(found, KafkaError) else KafkaError(KafkaError.UNKNOWN, str(error))


def sending(error: KafkaError, value: bytes | None) -> PixoError:
    """Return what a record's sender is told."""
    if error.code() in _TOO_LARGE:
        return BadRecord(f"{len(value or b'')} bytes are more than Kafka takes: {error.str()}", value or b"")
    return TryAgain("kafka", error.str())


def asking(error: KafkaError) -> PixoError:
    """Return what the one who asked for an admin's work is told.

    What is not allowed is waited for: others may be making the topic, or the rights, just now. So is a replication
    factor above the number of brokers: those of a new cluster come one by one.
    """
    return ConfigError(f"Kafka refuses: {error.str()}") if error.code() in _NEVER else TryAgain("kafka", error.str())


def consuming(error: KafkaError) -> Fatal | None:
    """Return what ends the process; None for what librdkafka mends by itself."""
    if error.fatal() or error.code() in _NOT_ALLOWED:
        return Fatal(f"Kafka: {error.name()}: {error.str()}")
    return None


def harmless_commit(error: KafkaError) -> bool:
    """Return whether a failed commit is part of every rebalance."""
    return error.code() in _LATE_COMMIT


class Said:
    """What was said of late, by all clients of a process: each would say the same of a broker that is away."""

    def __init__(self, clock: Callable[[], float], period: float = 10.0) -> None:
        self._clock = clock
        self._period = period
        self._when: dict[str, float] = {}

    def due(self, what: str) -> bool:
        """Return whether it was not said for a period; then it is taken to be said now."""
        now = self._clock()
        if now - self._when.get(what, -math.inf) < self._period:
            return False
        self._when[what] = now
        return True


class Complaints:
    """Says that Kafka is in trouble, the same thing at most once a period; stands in for librdkafka's logger."""

    def __init__(self, said: Said) -> None:
        self._said = said

    def say(self, error: KafkaError) -> None:
        """Log the error, unless its like was logged a moment ago."""
        if self._said.due(error.name()):
            log.warning("kafka in trouble", error=error.name(), reason=error.str())

    def log(self, level: int, _: str, facility: str, client: str, text: str) -> None:
        """Take a line that librdkafka would else write to stderr."""
        # A connection that fails is told twice: here, and as an error.
        what = "_TRANSPORT" if facility == "FAIL" else facility
        if level < logging.WARNING:
            log.debug("librdkafka", facility=facility, client=client, text=text)
        elif self._said.due(what):
            log.warning("librdkafka", facility=facility, client=client, text=text)


class Hearing(Complaints):
    """Complaints of a consumer's client, of which it keeps what ends the process."""

    def __init__(self, said: Said) -> None:
        super().__init__(said)
        self._fatal: Fatal | None = None

    def take(self, error: KafkaError) -> None:
        """Say the error, and keep it if it is fatal; raise nothing: this may run inside librdkafka's callbacks."""
        self.keep(consuming(error))
        self.say(error)

    def keep(self, fatal: Fatal | None) -> None:
        """Keep what ends the process, if it does; the first counts."""
        self._fatal = self._fatal or fatal

    def require_none(self) -> None:
        """Raise what was kept."""
        if self._fatal:
            raise self._fatal
