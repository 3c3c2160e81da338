"""What every Sealing promises: the fake's drawers and AES-GCM."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta

import pytest
from tests.fakes.clock import FakeClock
from tests.fakes.sealing import FakeSealing

from waardhaven.adapters.outbound.security.sealing import AesSealing, SealingSettings
from waardhaven.application.ports.sealing import BrokenSeal, Sealing

OLD, NEW = "an old secret that is long enough to be one", "a new secret that is long enough to be one"
HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["fake", "aes"])
def sealing(request: pytest.FixtureRequest, clock: FakeClock) -> Sealing:
    return FakeSealing(clock) if request.param == "fake" else AesSealing(SealingSettings(secret=NEW), clock)


@pytest.mark.parametrize("value", [b"", b"\x00\xff", b"x" * 100_000])
def test_value_comes_back_as_it_was(sealing: Sealing, value: bytes) -> None:
    assert sealing.open("flow", sealing.seal("flow", value, lifetime=HOUR)) == value


def test_same_value_is_never_sealed_alike(sealing: Sealing) -> None:
    assert len({sealing.seal("flow", b"value", lifetime=HOUR) for _ in range(10)}) == 10


def test_seal_holds_until_its_time_has_passed(sealing: Sealing, clock: FakeClock) -> None:
    sealed = sealing.seal("flow", b"value", lifetime=HOUR)
    clock.advance(HOUR - timedelta(seconds=1))
    assert sealing.open("flow", sealed) == b"value"
    clock.advance(timedelta(seconds=1))
    with pytest.raises(BrokenSeal):
        sealing.open("flow", sealed)


@pytest.mark.parametrize("purpose", ["", "mail", "flow ", "Flow"])
def test_seal_for_another_purpose_is_broken(sealing: Sealing, purpose: str) -> None:
    sealed = sealing.seal("flow", b"value", lifetime=HOUR)
    with pytest.raises(BrokenSeal):
        sealing.open(purpose, sealed)


@pytest.mark.parametrize("sealed", ["", "A", "=", "AAAA", "ä", "\x00", "not sealed", "A" * 200, "A" * 10_001])
def test_what_never_was_a_seal_is_broken(sealing: Sealing, sealed: str) -> None:
    with pytest.raises(BrokenSeal):
        sealing.open("flow", sealed)


def aes(clock: FakeClock, secret: str = NEW, *previous: str) -> AesSealing:
    return AesSealing(SealingSettings(secret=secret, previous=previous), clock)


def test_no_bit_of_a_seal_can_be_changed(clock: FakeClock) -> None:
    sealing = aes(clock)
    raw = urlsafe_b64decode(sealing.seal("flow", b"value", lifetime=HOUR) + "==")
    for position in range(len(raw)):
        changed = bytes(one ^ (index == position) for index, one in enumerate(raw))
        with pytest.raises(BrokenSeal):
            sealing.open("flow", urlsafe_b64encode(changed).rstrip(b"=").decode())


def test_no_part_of_a_seal_can_be_left_out(clock: FakeClock) -> None:
    sealed = aes(clock).seal("flow", b"value", lifetime=HOUR)
    for length in range(len(sealed)):
        with pytest.raises(BrokenSeal):
            aes(clock).open("flow", sealed[:length])


@pytest.mark.parametrize("change", ["{}=", "{}!", " {}", "{}\n", "{}A"])
def test_a_seal_has_one_spelling(clock: FakeClock, change: str) -> None:
    sealed = aes(clock).seal("flow", b"value", lifetime=HOUR)
    with pytest.raises(BrokenSeal):
        aes(clock).open("flow", change.format(sealed))


def test_former_key_opens_and_no_longer_seals(clock: FakeClock) -> None:
    sealed = aes(clock, OLD).seal("flow", b"value", lifetime=HOUR)
    rolled = aes(clock, NEW, OLD)
    assert rolled.open("flow", sealed) == b"value"
    with pytest.raises(BrokenSeal):
        aes(clock, OLD).open("flow", rolled.seal("flow", b"value", lifetime=HOUR))


def test_seal_under_a_key_that_is_gone_is_broken(clock: FakeClock) -> None:
    sealed = aes(clock, OLD).seal("flow", b"value", lifetime=HOUR)
    with pytest.raises(BrokenSeal):
        aes(clock, NEW).open("flow", sealed)


def test_value_is_not_to_be_read_from_outside(clock: FakeClock) -> None:
    sealed = aes(clock).seal("flow", b"hunter2-hunter2", lifetime=HOUR)
    assert b"hunter2" not in urlsafe_b64decode(sealed + "==")
    assert len(sealed) <= 15 * 4 / 3 + 60


@pytest.mark.parametrize("secrets", [("short",), (NEW, "short")])
def test_secret_that_could_be_guessed_is_refused_and_never_shown(secrets: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="32"):
        SealingSettings(secret=secrets[0], previous=secrets[1:])
    assert NEW not in repr(SealingSettings(secret=NEW, previous=(OLD,)))
    assert OLD not in repr(SealingSettings(secret=NEW, previous=(OLD,)))
