import pytest
from tests.unit.application.identity.house import House


@pytest.fixture
def house() -> House:
    return House()
