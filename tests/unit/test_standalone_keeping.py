"""Keeping a child of `pixo up` running."""

import asyncio
import os
import sys

import pytest

from pixo.errors import ConfigError
from services.standalone import keeping
from services.standalone.children import Child, Launch
from services.standalone.keeping import Pauses, keep


def test_pauses_grow_and_are_forgotten():
    """The first new start is at once, later ones wait longer, up to a bound; a good run forgets it all."""
    now = 0.0
    pauses = Pauses(lambda: now)
    waits = []
    for _ in range(9):
        pauses.started()
        waits.append(pauses.ended())
    assert waits == [0, 0.5, 1, 2, 4, 8, 15, 15, 15]

    pauses.started()
    now = 31.0
    assert pauses.ended() == 0
    assert pauses.failures == 0


def child_that(code):
    """Give a child that runs the code and a list of its lines."""
    shown = asyncio.Queue()
    launch = Launch([sys.executable, "-S", "-c", code], dict(os.environ))
    return Child("x", lambda: launch, lambda _, line: shown.put_nowait(line)), shown


def test_a_child_that_ends_is_started_again():
    """A child that ends is started again, until nobody keeps it."""

    async def run():
        child, shown = child_that("print('hello')")
        pauses = Pauses(lambda: 0.0, unit=0.0)
        keeping = asyncio.create_task(keep(child, child.start, pauses, give_up=lambda: None))
        async with asyncio.timeout(10):
            for _ in range(3):
                await shown.get()
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await child.stop(5)

    asyncio.run(run())


def test_a_start_that_fails_says_why():
    """Giving up names the child, how it ended and what it said last."""

    async def run():
        child, _ = child_that("raise SystemExit('PIXO_PORT is wrong')")
        await keep(child, child.start, Pauses(lambda: 0.0, unit=0.0), give_up=lambda: 2)

    with pytest.raises(ConfigError, match=r"^x does not start \(exit code 1\): PIXO_PORT is wrong$"):
        asyncio.run(run())


def test_a_wrong_setting_is_not_tried_again():
    """A role that says that a setting is wrong has failed at once."""

    async def run():
        child, shown = child_that("print('wrong'); raise SystemExit(78)")
        with pytest.raises(ConfigError, match=r"\(exit code 78\): wrong$"):
            await keep(child, child.start, Pauses(lambda: 0.0, unit=0.0), give_up=lambda: 9)
        return shown.qsize()

    assert asyncio.run(run()) == 1


def test_a_child_that_cannot_be_started_is_tried_again(monkeypatch):
    """A full disk, or no room for a process, ends neither the keeping nor the other children."""
    monkeypatch.setattr(keeping, "LEAST", 0.0)

    async def run():
        child, shown = child_that("print('hello')")
        troubles = [OSError(28, "No space left on device")] * 3

        async def start():
            if troubles:
                raise troubles.pop()
            await child.start()

        pauses = Pauses(lambda: 0.0, unit=0.0)
        kept = asyncio.create_task(keep(child, start, pauses, give_up=lambda: None))
        async with asyncio.timeout(10):
            assert await shown.get() == "hello"
        kept.cancel()
        await asyncio.gather(kept, return_exceptions=True)
        await child.stop(5)
        troubles += [OSError(28, "No space left on device")] * 3
        with pytest.raises(ConfigError, match="cannot be started"):
            await keep(child, start, Pauses(lambda: 0.0, unit=0.0), give_up=lambda: 2)

    asyncio.run(run())
