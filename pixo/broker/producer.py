"""Sends records to Kafka and tells, by a future each, when the broker has them."""

import itertools
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, wait

import confluent_kafka
from confluent_kafka import KafkaError, KafkaException, Message

from pixo import logs, metrics
from pixo.broker import faults
from pixo.broker.profiles import Profile
from pixo.errors import PixoError, TryAgain

log = logs.logger(__name__)

_BEAT = 0.2
"""Seconds that one poll for deliveries lasts: they end it at once, only closing has to wait for it."""
_REST = 1.0
"""Seconds between two polls while nothing is under way: for what the client says of its connections."""


class KafkaProducer:
    """A librdkafka producer and the one thread that serves its deliveries.

    When the oldest record has been under way for ``patience`` seconds the client is taken to be jammed: its
    records fail with TryAgain and a new client takes its place. A full buffer is waited for ``room`` seconds.
    ``ring`` is called with topic, partition and offset of every record that the broker has.
    """

    def __init__(
        self,
        profile: Profile,
        *,
        clock: Callable[[], float] = time.monotonic,
        said: faults.Said | None = None,
        patience: float = 30.0,
        room: float = 5.0,
        ring: Callable[[str, int, int], None] | None = None,
    ) -> None:
        self._profile = profile
        self._clock = clock
        self._patience = patience
        self._room = room
        self._ring = ring
        self._numbers = itertools.count()
        # Records under way, oldest first; touched under the lock, as is the client.
        self._under_way: OrderedDict[int, tuple[float, Future[None]]] = OrderedDict()
        self._lock = threading.Lock()
        self._complaints = faults.Complaints(said or faults.Said(clock))
        self._stale_metadata = False
        self._jammed = False
        self._closed = False
        self._sending = threading.Event()
        self._process = os.getpid()
        self._client = self._make()
        self._thread = threading.Thread(target=self._serve, name="kafka-deliveries", daemon=True)
        self._thread.start()

    def send(
        self,
        topic: str,
        value: bytes | None,
        *,
        partition: int | None = None,
        key: bytes | str | None = None,
        headers: Mapping[str, bytes] | None = None,
    ) -> Future[None]:
        """Send a record; see the protocol."""
        if os.getpid() != self._process:
            # Its threads stayed behind: everything sent would be lost without a word.
            raise RuntimeError("a Kafka producer was taken through a fork; make it in the process that uses it")
        future: Future[None] = Future()
        deadline = self._clock() + self._room
        while True:
            try:
                self._produce(future, topic, value, partition, key, headers)
            except BufferError:
                if self._clock() < deadline:
                    time.sleep(0.01)  # the other thread serves deliveries meanwhile
                    continue
                self._fail(future, topic, TryAgain("kafka", "the send buffer is full"))
            except KafkaException as error:
                self._refuse(future, topic, faults.of(error), value)
            return future

    def settle(self, futures: Iterable[Future[None]], timeout: float = 30.0) -> None:
        """Return when the broker has them all; see the protocol."""
        sent = list(futures)
        late = wait(sent, timeout).not_done
        for future in sent:
            if future not in late:
                future.result()
        if late:
            raise TryAgain("kafka", f"{len(late)} records are not acknowledged after {timeout:g} s")

    def close(self, timeout: float = 10.0) -> None:
        """Deliver what is under way, then fail the rest."""
        with self._lock:
            already, self._closed = self._closed, True
        if already:
            return
        self._sending.set()
        self._client.flush(timeout)
        self._drop("the producer was closed")
        self._thread.join(timeout)

    def _produce(
        self,
        future: Future[None],
        topic: str,
        value: bytes | None,
        partition: int | None,
        key: bytes | str | None,
        headers: Mapping[str, bytes] | None,
    ) -> None:
        number = next(self._numbers)

        def delivered(error: KafkaError | None, message: Message) -> None:
            with self._lock:
                known = self._under_way.pop(number, None)
            if known is None:
                return
            if error is None:
                if self._ring:
                    self._ring(topic, int(message.partition() or 0), int(message.offset() or 0))
                metrics.produce_duration.labels(topic).observe(self._clock() - known[0])
                future.set_result(None)
            else:
                self._refuse(future, topic, error, value)

        with self._lock:
            if self._closed:
                self._fail(future, topic, TryAgain("kafka", "the producer is closed"))
                return
            self._client.produce(
                topic,
                value,
                key,
                -1 if partition is None else partition,
                on_delivery=delivered,
                headers=list(headers.items()) if headers else None,
            )
            self._under_way[number] = (self._clock(), future)
            self._sending.set()

    def _refuse(self, future: Future[None], topic: str, error: KafkaError, value: bytes | None) -> None:
        if error.code() in (KafkaError._UNKNOWN_PARTITION, KafkaError._UNKNOWN_TOPIC):  # noqa: SLF001
            self._stale_metadata = True  # it may exist since a moment ago
        self._fail(future, topic, faults.sending(error, value))

    def _fail(self, future: Future[None], topic: str, error: PixoError) -> None:
        metrics.produce_errors.labels(topic, type(error).__name__).inc()
        future.set_exception(error)

    def _serve(self) -> None:
        while not self._closed:
            if not self._under_way:
                self._sending.wait(_REST)
            self._sending.clear()
            self._client.poll(_BEAT if self._under_way else 0)
            if self._stale_metadata:
                self._stale_metadata = False
                self._look()
            if self._jammed or self._oldest() > self._patience:
                self._rebuild()

    def _look(self) -> None:
        try:
            # All topics: to ask for one by name would create it at the embedded broker.
            self._client.list_topics(timeout=2)
        except KafkaException as error:
            self._complaints.say(faults.of(error))

    def _oldest(self) -> float:
        with self._lock:
            for since, _ in self._under_way.values():
                return self._clock() - since
        return 0.0

    def _rebuild(self) -> None:
        try:
            client = self._make()
        except KafkaException as error:  # a certificate that is just being replaced: at the next turn
            self._complaints.say(faults.of(error))
            return
        self._jammed = False
        old, lost = self._drop("the producer was jammed", client)
        log.warning("kafka producer made anew", lost=lost)
        old.purge()
        old.poll(0)

    def _drop(
        self, reason: str, successor: confluent_kafka.Producer | None = None
    ) -> tuple[confluent_kafka.Producer, int]:
        with self._lock:
            dropped, self._under_way = self._under_way, OrderedDict()
            client, self._client = self._client, successor or self._client
        for _, future in dropped.values():
            future.set_exception(TryAgain("kafka", reason))
        return client, len(dropped)

    def _make(self) -> confluent_kafka.Producer:
        return confluent_kafka.Producer({**self._profile, "error_cb": self._trouble}, logger=self._complaints)

    def _trouble(self, error: KafkaError) -> None:
        self._jammed |= error.fatal()
        self._complaints.say(error)
