"""`pixo dead-letters`: on a real embedded broker and Valkey, from the letters that a worker writes."""

import contextlib
import json
import os
import time
from secrets import token_hex

import msgspec
import pytest

from pixo import broker, messages, settings, state, store, topics
from pixo.broker import Record
from pixo.errors import BadImage, BadRecord
from pixo.letters.writing import Letters
from pixo.messages import TileDone, TileTask
from pixo.state.records import Spec
from pixo.store import names
from services.cli.__main__ import main
from services.standalone import address
from tests.plans import striped
from tests.waiting import until

PLAN = striped(40)


class Installation:
    """Kafka, Redis and a store with one job, and the command's view of them."""

    def __init__(self, environ, stack):
        self.settings = settings.load(environ)
        self.topics = topics.names(self.settings.kafka)
        self.state = stack.enter_context(contextlib.closing(state.open(self.settings.redis)))
        self.store = store.open(self.settings.store)
        self.kafka = stack.enter_context(contextlib.closing(broker.open(self.settings.kafka, "test")))
        self.kafka.admin().ensure(topics.specs(self.settings.kafka))
        self.letters = Letters(self.kafka.producer(), self.topics, "w-1")
        self.job = token_hex(8)
        spec = Spec(
            id=self.job,
            created=time.time(),
            filename="a.png",
            bytes=1,
            filters="invert",
            small=True,
            weight=1,
            deadline_s=600.0,
            plan=PLAN,
        )
        self.store.put(names.job_record(self.job), msgspec.json.encode(spec))
        self.state.jobs.create(spec)
        self.state.queue.activate(self.job, small=True)
        self.gen = self.state.jobs.start(self.job, [(0, 0, 4)]).gen

    def bury(self, tile=1):
        """Do what a worker and `results` do about a tile that cannot be made."""
        self.letters.bury(*self.task(tile), "the PNG is cut off", BadImage("the PNG is cut off"), 2)
        self.state.jobs.fail_tile(self.job, self.gen, tile, "the PNG is cut off")
        self.state.queue.release(self.job)

    def task(self, tile):
        """Give a tile's task, as a record and as what that says."""
        task = TileTask(job=self.job, gen=self.gen, tile=tile, lane=0, until=4, plan=PLAN)
        return Record(self.topics.tasks, 1, 52, messages.encode(task), {}, 1_000), task

    def refuse(self, value):
        """Do what a role does about a record that it cannot read."""
        self.letters.refuse(Record(self.topics.results, 5, 3, value, {}, 1_000), BadRecord("what is this", value))

    def tasks(self):
        """Give the tiles of the tasks in Kafka."""
        return [messages.decode(record.value).tile for record in self.kafka.kept(self.topics.tasks)]


@pytest.fixture
def installation(tansu, valkey_url, tmp_path, monkeypatch):
    """Give an installation that the command finds by its settings."""
    environ = {
        "PIXO_KAFKA": tansu,
        "PIXO_KAFKA_PROFILE": "embedded",
        "PIXO_TOPIC_PREFIX": f"{token_hex(4)}.",
        "PIXO_REDIS": valkey_url,
        "PIXO_STORE": f"file://{tmp_path}/blobs",
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with contextlib.ExitStack() as stack:
        yield Installation(environ, stack)


def said(capsys, *words, code=0):
    """Run the command with --json and give what it printed."""
    assert main(["dead-letters", *words, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_letters_are_listed_newest_first(installation, capsys):
    """Each with reason, attempts, worker, origin, time, job and tile; unreadable ones say that they are."""
    assert said(capsys, "list")["letters"] == []
    installation.refuse(b"{")
    # Kafka knows milliseconds, and the two may be in different partitions.
    refused = time.time()
    until(lambda: time.time() > refused + 0.001, "a millisecond is over")
    installation.bury(tile=1)

    newest, oldest = said(capsys)["letters"]
    assert (newest["job"], newest["tile"], newest["attempts"]) == (installation.job, 1, 2)
    assert (newest["worker"], newest["reason"]) == ("w-1", "the PNG is cut off")
    assert newest["origin"] == f"{installation.topics.tasks}[1]@52"
    assert newest["readable"]
    assert not oldest["readable"]

    assert main(["dead-letters", "list", "--limit", "1"]) == 0
    shown = capsys.readouterr()
    assert installation.job in shown.out
    assert shown.err == "pixo dead-letters: 1 older ones; --limit shows more\n"
    assert main(["dead-letters", "--limit", "-1"]) != 0
    assert "--limit -1: at least 0" in capsys.readouterr().err


def test_a_pixo_up_is_found_by_its_folder(installation, capsys, tmp_path, monkeypatch):
    """Its ports are free ones: it tells them; a broker that is named counts more."""
    installation.bury(tile=1)
    address.tell(tmp_path, os.environ)
    for name in address.TOLD:
        monkeypatch.delenv(name, raising=False)

    assert [one["tile"] for one in said(capsys, "--data", str(tmp_path))["letters"]] == [1]
    assert said(capsys, "replay", "--all", "--data", str(tmp_path))["replayed"][0]["deed"] == "retry"
    assert (tmp_path / address.FILE).stat().st_mode & 0o077 == 0
    assert main(["dead-letters", "--data", str(tmp_path), "--kafka", "127.0.0.1:1"]) != 0
    assert "Kafka at 127.0.0.1:1" in capsys.readouterr().err
    (tmp_path / address.FILE).write_text("{")
    assert main(["dead-letters", "--data", str(tmp_path)]) != 0
    assert f"cannot read {tmp_path / address.FILE}" in capsys.readouterr().err


def test_letters_of_one_millisecond_are_listed_by_offset(installation, capsys):
    """Letters about one job are in one partition, whose offsets tell the later one."""
    for _ in range(20):
        installation.letters.bury(*installation.task(1), "the PNG is cut off", None, 2)

    offsets = [int(letter["id"].split(":")[1]) for letter in said(capsys)["letters"]]
    assert offsets == sorted(offsets, reverse=True)


def test_replaying_a_tiles_letters_retries_its_job_once(installation, capsys):
    """The finished tile is kept, the others are handed out again; a second replay finds nothing to do."""
    report = {"token": "t", "lane": 0, "size": 1, "crc": 1, "worker": "w", "ms": 1}
    installation.state.jobs.complete(TileDone(job=installation.job, gen=installation.gen, tile=0, **report))
    installation.bury(tile=1)
    installation.bury(tile=1)

    done = said(capsys, "replay", installation.job)["replayed"]
    assert sorted(one["deed"] for one in done) == ["none", "retry"]
    job = installation.state.jobs.read(installation.job)
    assert (job.status, job.r) == ("processing", 1)
    assert job.gen > installation.gen
    assert sorted(installation.tasks()) == [1, 2]

    assert {one["deed"] for one in said(capsys, "replay", "--all")["replayed"]} == {"none"}


def test_other_records_go_back_to_their_topic(installation, capsys):
    """A readable one goes back; an unreadable one cannot, and the exit code says so."""
    task = TileTask(job="other", gen=1, tile=2, lane=0, until=4, plan=PLAN)
    installation.refuse(messages.encode(task))
    installation.refuse(b"{")

    done = said(capsys, "replay", "--all", code=1)["replayed"]
    assert sorted(one["deed"] for one in done) == ["impossible", "send"]
    (back,) = installation.kafka.kept(installation.topics.results)
    assert messages.decode(back.value) == task


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (["replay"], 2, "replay takes letters or jobs by name, or --all"),
        (["replay", "7:7"], 1, "no letter, and no job with letters, is called '7:7'"),
    ],
)
def test_wrong_names_are_one_line(installation, capsys, words, code, error):
    """Nothing is replayed by mistake."""
    installation.bury()

    assert main(["dead-letters", *words]) == code
    assert capsys.readouterr().err.splitlines()[-1] == f"pixo dead-letters: {error}"
