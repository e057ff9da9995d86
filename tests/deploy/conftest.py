"""Starts the engine once for all tests, and ends it with all that it started."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .cloud import DIRECT, Cloud

HERE = Path(__file__).parent
PYTHON = HERE.parent.parent / ".venv-localstack" / "bin" / "python"
_SECONDS = 120
"""How long the engine may take to start; it takes three."""
_accounts = itertools.count(100_000_000_000)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of a running LocalStack; all that it writes is in a folder of the test."""
    if not PYTHON.exists():
        pytest.fail("LocalStack is not installed: `make test-deploy` installs it and runs these")
    folder = tmp_path_factory.mktemp("localstack")
    address = f"127.0.0.1:{free_port()}"
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [PYTHON, HERE / "engine.py"],
            cwd=folder,
            stdin=subprocess.PIPE,  # whose end tells it that the tests are gone
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={
                "PATH": os.environ.get("PATH", os.defpath),
                "HOME": str(folder),
                "TMPDIR": str(folder),
                "FILESYSTEM_ROOT": str(folder / "files"),
                "OVERRIDE_IN_DOCKER": "0",  # in a container it would write to /var/lib
                "GATEWAY_LISTEN": address,
                "DISABLE_EVENTS": "1",  # it sends nothing to anybody
                "SKIP_SSL_CERT_DOWNLOAD": "1",
                "DNS_ADDRESS": "0",  # as root it would take port 53
            },
        )
    try:
        _await(f"http://{address}", process, log)
        yield f"http://{address}"
    finally:
        with contextlib.suppress(ProcessLookupError):  # it has ended, and all of its own with it
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _await(endpoint: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with DIRECT.open(f"{endpoint}/_localstack/health", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    state = "is still starting" if process.poll() is None else f"ended with {process.returncode}"
    shown = log.read_text(errors="replace")[-8000:]
    pytest.fail(f"LocalStack {state}; its log ends:\n{shown}", pytrace=False)


@pytest.fixture
def cloud(engine: str) -> Iterator[Cloud]:
    account = Cloud(engine, str(next(_accounts)))
    yield account
    account.close()
