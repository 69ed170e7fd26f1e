"""Settings that only the part they are for can refuse: named in one line, exit code 78, in every role."""

import os
import subprocess
import sys

import pytest

from tests.conftest import free_port


@pytest.mark.parametrize("role", ["web", "worker", "results"])
@pytest.mark.parametrize("store", ["file://relative/x", "ftp://host/x"])
def test_a_store_that_cannot_be(role, store, tmp_path):
    """Found when the store is opened: the setting is named, and nobody starts the role again and again."""
    environ = {**os.environ, "PIXO_STORE": store, "PIXO_PORT": str(free_port()), "PIXO_METRICS_PORT": "0"}
    done = subprocess.run(
        [sys.executable, "-m", f"services.{role}"], env=environ, capture_output=True, text=True, check=False, timeout=60
    )

    assert done.returncode == 78, done.stderr
    assert f"pixo-{role}: PIXO_STORE='{store}'" in done.stderr
    assert "Traceback" not in done.stderr
