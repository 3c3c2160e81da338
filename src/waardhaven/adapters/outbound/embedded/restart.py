"""How often, and how quickly, a dead process is brought back."""

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartPolicy:
    """At most `budget` restarts in any `window` seconds, each delay twice the one before."""

    budget: int = 5
    window: float = 60.0
    first_delay: float = 0.1
    longest_delay: float = 5.0


class RestartBudget:
    """Counts restarts in a sliding window and spaces them out."""

    def __init__(self, policy: RestartPolicy) -> None:
        """Start with the whole budget."""
        self._policy = policy
        self._spent: deque[float] = deque()

    def next_delay(self, now: float) -> float | None:
        """Spend one restart at time `now`; return the seconds to wait, None if none is left."""
        while self._spent and self._spent[0] <= now - self._policy.window:
            self._spent.popleft()
        if len(self._spent) >= self._policy.budget:
            return None
        delay = self._policy.first_delay * 2.0 ** len(self._spent)
        self._spent.append(now)
        return min(delay, self._policy.longest_delay)
