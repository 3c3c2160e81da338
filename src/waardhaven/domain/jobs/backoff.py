"""How long to wait before another attempt."""

from datetime import timedelta

BASE = timedelta(seconds=1)
LONGEST = timedelta(minutes=5)


def backoff(attempt: int, chance: float) -> timedelta:
    """Return the pause after attempt number ``attempt`` (from 1); ``chance`` is drawn from [0, 1).

    Doubles from a second to five minutes, of which a random half is waited ("equal jitter": Brooker,
    Exponential Backoff and Jitter, AWS Architecture Blog, 2015), so that jobs which failed together do
    not come back together.
    """
    whole: timedelta = min(BASE * 2 ** min(attempt - 1, 16), LONGEST)
    return whole / 2 + whole / 2 * chance
