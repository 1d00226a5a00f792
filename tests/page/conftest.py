"""The server with the shipped models, which are loaded once."""

import pytest
from agerestore_cli.page.service import Options, Service
from pages import serving


@pytest.fixture(scope="session")
def loaded():
    """A service with its models."""
    service = Service(Options(device="cpu", queue=2))
    service.load()
    yield service
    service.worker.close()


@pytest.fixture(scope="session")
def client(loaded):
    with serving(loaded) as client:
        yield client
