"""A Docker engine in memory, behind the Protocols of the model, held to the contract that real engines pass.

FakeEngine is one host's state and the hand of whoever tampers with it; FakeReader and FakeWriter are clients of it.
"""

from tests.fake_engine.client import FakeReader, FakeWriter
from tests.fake_engine.engine import FakeContainer, FakeEngine, FakeImage, Registry

__all__ = ["FakeContainer", "FakeEngine", "FakeImage", "FakeReader", "FakeWriter", "Registry"]
