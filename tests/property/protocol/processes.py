"""Processes of the model. Their threads are greenlets: real code that stops before each of its effects."""

from collections.abc import Callable
from itertools import count
from typing import Any

import greenlet


class Died(BaseException):
    """Raised inside the threads of a process that has ended, where they would have had their next effect."""


class Process:
    """A process: its threads end with it."""

    births = count(1)

    def __init__(self, name: str, kind: str, clock: Callable[[], float]) -> None:
        self.name = name
        self.kind = kind
        self.dead = False
        self.cut_off = False
        """Whether the others take it for dead, while it only stands still or cannot be reached."""
        self.threads: list[Thread] = []
        self.stopping = Stop(clock)
        self.leave: list[Callable[[], None]] = []
        """What the others see of its end: the groups lose a member."""

        self.born = 0
        """The number of its youngest thread, among those of all."""

    def spawn(self, act: Callable[..., object], *args: object) -> None:
        """Begin a thread."""
        if not self.dead:
            self.threads.append(Thread(self, act, args))
            self.born = next(Process.births)

    def reap(self) -> None:
        """End what is left of a dead process. From the outside only."""
        for thread in self.threads:
            if thread:  # it has begun
                thread.throw(Died)
        self.threads.clear()
        for leave in self.leave:
            leave()
        self.leave.clear()


class Thread(greenlet.greenlet):
    """One thread of a process, which takes one step at a time."""

    def __init__(self, process: Process, act: Callable[..., object], args: tuple[object, ...]) -> None:
        super().__init__(self._live, parent=hub())
        self.process = process
        self.until: Callable[[], Any] | None = None
        """Without it there is something to do; with it only if it says so."""
        self._act = act
        self._args = args

    def step(self) -> bool:
        """Go on to before the next effect; tell whether there was anything to do. From the outside only."""
        if self.until is not None and not self.until():
            return False
        self.switch()
        if self.dead and self in self.process.threads:
            self.process.threads.remove(self)
        if self.process.dead:
            self.process.reap()
        return True

    def _live(self) -> None:
        try:
            self._act(*self._args)
        except Died:
            self.process.dead = True


def hub() -> greenlet.greenlet:
    """Give the greenlet that all threads are stepped from."""
    found = greenlet.getcurrent()
    while found.parent is not None:
        found = found.parent
    return found


def end_here() -> None:
    """End the process whose thread is running."""
    found = greenlet.getcurrent()
    assert isinstance(found, Thread)
    found.process.dead = True
    raise Died


def pause(until: Callable[[], Any] | None = None) -> None:
    """Stand still before an effect, or ``until`` something is so; Died if the process has ended meanwhile."""
    found = greenlet.getcurrent()
    if not isinstance(found, Thread):
        return
    if not found.process.dead:
        found.until = until
        found.parent.switch()
    if found.process.dead:
        raise Died


# What stands in for threading's parts inside the real code


class Stop:
    """An event. ``clock`` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._set = False

    def set(self) -> None:
        """Let it be set."""
        self._set = True

    def is_set(self) -> bool:
        """Tell whether it is set."""
        return self._set

    def wait(self, timeout: float) -> bool:
        """Stand still until it is set or the time is over."""
        end = self._clock() + timeout
        pause(lambda: self._set or self._clock() >= end)
        return self._set


class Condition:
    """A condition. ``clock`` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass

    def notify_all(self) -> None:
        """Do nothing: who waits looks by itself."""

    def wait_for(self, predicate: Callable[[], Any], timeout: float) -> Any:
        """Stand still until it is so or the time is over."""
        end = self._clock() + timeout
        pause(lambda: predicate() or self._clock() >= end)
        return predicate()


class Hand:
    """A thread that does what it is given, in order."""

    def __init__(self, process: Process) -> None:
        self._jobs: list[Callable[[], None]] = []
        process.spawn(self._run)

    def give(self, job: Callable[[], None]) -> None:
        """Add to what there is to do."""
        self._jobs.append(job)

    def end(self) -> None:
        """Do nothing: the process ends."""

    def _run(self) -> None:
        while True:
            pause(lambda: self._jobs)
            self._jobs.pop(0)()


class Pool:
    """As many threads as there is to do."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def submit(self, act: Callable[..., object], *args: object) -> None:
        """Begin a thread with it."""
        self._process.spawn(act, *args)
