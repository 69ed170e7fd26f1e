"""Health: alive and ready are two questions, asked over HTTP."""

import socket
import struct
import threading
import urllib.error
import urllib.request

import msgspec
import pytest

from pixo.errors import ConfigError, Fatal, TryAgain
from pixo.health import Health
from pixo.metrics import expose


def fetch(server, path):
    """Give status and body of a path."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=5) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_all_well():
    """A process whose checks pass is alive and ready."""
    health = Health({"kafka": lambda: True})

    assert health.live().ok
    assert health.ready() == (True, {"kafka": "ok"})


@pytest.mark.parametrize(("answer", "said"), [(False, "failing"), ("no partitions", "no partitions")])
def test_not_ready_is_still_alive(answer, said):
    """A failing check makes a process not ready, never not alive, and is named."""
    health = Health({"kafka": lambda: answer})

    assert health.live().ok
    assert health.ready() == (False, {"kafka": said})


def test_an_error_of_ours_is_an_answer():
    """A check that raises TryAgain fails with the error's message."""

    def check():
        raise TryAgain("redis", "out of reach")

    assert Health({"redis": check}).ready() == (False, {"redis": "out of reach"})


def test_dead_is_not_ready():
    """A process whose loop stands still is neither alive nor ready."""
    health = Health({}, alive={"loop": lambda: "no turn for 60 s"})

    assert not health.live().ok
    assert not health.ready().ok


def test_a_prober_that_hung_up(capfd):
    """Nothing is printed when the prober is gone before the answer is there, as one is whose patience is short."""
    gone, asked = threading.Event(), threading.Event()

    def slow():
        asked.set()
        return gone.wait(10)

    with Health({"slow": slow}).serve("127.0.0.1", 0, expose("monitor")) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as prober:
            prober.sendall(b"GET /readyz HTTP/1.0\r\n\r\n")
            assert asked.wait(10)
            # Closed with a reset, so that the first write fails.
            prober.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handling = [thread for thread in threading.enumerate() if "process_request" in thread.name]
        gone.set()
        for thread in handling:
            thread.join(10)

    assert capfd.readouterr().err == ""


def test_served_over_http():
    """The three addresses answer 200, 503 when not so, and 404 stands for all else."""
    health = Health({"kafka": lambda: "no broker"})
    with health.serve("127.0.0.1", 0, expose("monitor")) as server:
        alive, ready, metrics, other = (fetch(server, path) for path in ("/healthz", "/readyz", "/metrics?x=1", "/"))

    assert alive[0] == 200
    assert ready[0] == 503
    assert msgspec.json.decode(ready[1]) == {"status": "failing", "checks": {"kafka": "no broker"}}
    assert metrics[0] == 200
    assert b"pixo_build_info" in metrics[1]
    assert other[0] == 404


def test_served_over_ipv6():
    """A cluster may have no other addresses."""
    with Health({}).serve("::1", 0, expose("monitor")) as server:
        url = f"http://[::1]:{server.port}/healthz"
        with urllib.request.urlopen(url, timeout=5) as answer:
            assert answer.status == 200


def test_a_taken_port_is_named():
    """Two roles on one machine meet at the port that both have by default: the message says which setting moves it."""
    with Health({}).serve("127.0.0.1", 0, expose("monitor")) as server, pytest.raises(Fatal, match="PIXO_METRICS_PORT"):
        Health({}).serve("127.0.0.1", server.port, expose("monitor"))


def test_a_host_that_is_none_is_a_wrong_setting():
    """Characters that no host's name has are no matter of time."""
    with pytest.raises(ConfigError, match="PIXO_METRICS_HOST='h\u00f6r"):
        Health({}).serve("h\u00f6r..st", 0, expose("monitor"))
