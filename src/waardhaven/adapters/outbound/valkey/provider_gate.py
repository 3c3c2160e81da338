"""Credits and a circuit breaker of each provider, counted in Valkey for all processes together."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from math import ceil
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from waardhaven.adapters.outbound.valkey.circuit import Circuit
from waardhaven.application.ports.provider_gate import (
    Allotment,
    Breaker,
    GateState,
    GateUnavailable,
    Grant,
    Period,
    ProviderGate,
)

PATIENCE: Final = 5
"""Failures in a row that open the breaker."""
OPEN_SECONDS: Final = 60.0
PROBE_SECONDS: Final = 30.0
"""How long a probe may take before another caller may try."""
LARGEST_TEXT: Final = 200
MILLISECONDS: Final = 1000
_LENGTHS: Final = {Period.MINUTE: 60_000, Period.DAY: 86_400_000}

COUNTS: Final = """
local now = tonumber(ARGV[1])
if now == nil then
  local moment = redis.call('TIME')
  now = moment[1] * 1000 + math.floor(moment[2] / 1000)
end
local function counts(period, length)
  local at = math.floor(now / length)
  local row = redis.call('HMGET', KEYS[1], period .. '.at', period .. '.before', period .. '.used',
    period .. '.next', period .. '.spent')
  local stored = tonumber(row[1]) or at
  local before, used, after = tonumber(row[2]) or 0, tonumber(row[3]) or 0, tonumber(row[4]) or 0
  local spent = tonumber(row[5])
  if at == stored + 1 then
    before, used, after = used, after, 0
  elseif at > stored or at < stored - 1 then
    before, used, after = 0, 0, 0
  elseif at < stored then
    at = stored
  end
  return {at = at, before = before, used = used, after = after, spent = spent, period = period,
    length = length}
end
local function keep(c)
  redis.call('HSET', KEYS[1], c.period .. '.at', string.format('%.0f', c.at), c.period .. '.before', c.before,
    c.period .. '.used', c.used, c.period .. '.next', c.after)
  redis.call('PEXPIRE', KEYS[1], 172800000)
end
"""
"""Reads and keeps the counts of the period that is, the one before and the one to come.

A clock set back by a little keeps counting in the later period, so that nothing is granted twice.
"""
TAKE: Final = (
    COUNTS
    + """
local wanted, least, early, late = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local failures = tonumber(redis.call('HGET', KEYS[1], 'failures') or 0)
local probing = failures >= tonumber(ARGV[8])
if probing then
  local closed = tonumber(redis.call('HGET', KEYS[1], 'open_until') or 0) - now
  if closed > 0 then return {0, closed, '', 1, 0} end
  local tried = tonumber(redis.call('HGET', KEYS[1], 'probe_until') or 0) - now
  if tried > 0 then return {0, math.min(tried, 1000), '', 1, 0} end
  wanted = least
end
local granted, wait, spent, all = wanted, 0, '', {}
for n, period in ipairs({'minute', 'day'}) do
  local c = counts(period, n == 1 and 60000 or 86400000)
  local limit = tonumber(ARGV[5 + n])
  c.begun = now - c.at * c.length
  c.is_late = c.length - c.begun <= late
  local is_early = c.begun < early
  local left = wanted
  if limit then
    local most = c.used
    if is_early then most = math.max(most, c.before) end
    if c.is_late then most = math.max(most, c.after) end
    left = math.max(0, limit - most)
  end
  if c.spent == c.at or (is_early and c.spent == c.at - 1) then left = 0 end
  if left < least then
    local ends = c.length - c.begun + early
    if is_early and c.spent ~= c.at and (not limit or limit - c.used >= least) then ends = early - c.begun end
    if ends >= wait then wait, spent = ends, period end
  end
  granted = math.min(granted, left)
  all[n] = c
end
if granted < least or wait > 0 then return {0, wait, spent, 0, 0} end
for _, c in ipairs(all) do
  if c.begun < early then c.before = c.before + granted end
  if c.is_late then c.after = c.after + granted end
  c.used = c.used + granted
  keep(c)
end
if probing then redis.call('HSET', KEYS[1], 'probe_until', string.format('%.0f', now + tonumber(ARGV[9]))) end
return {granted, 0, '', 0, probing and 1 or 0}
"""
)
OBSERVE: Final = (
    COUNTS
    + """
local c = counts('minute', 60000)
c.used = math.max(c.used, tonumber(ARGV[2]))
keep(c)
"""
)
EXHAUSTED: Final = (
    COUNTS
    + """
local c = counts(ARGV[2], tonumber(ARGV[3]))
redis.call('HSET', KEYS[1], c.period .. '.spent', string.format('%.0f', c.at))
keep(c)
"""
)
FAILED: Final = (
    COUNTS
    + """
local failures = redis.call('HINCRBY', KEYS[1], 'failures', 1)
redis.call('HSET', KEYS[1], 'last_error', ARGV[2])
if failures >= tonumber(ARGV[3]) then
  redis.call('HSET', KEYS[1], 'open_until', string.format('%.0f', now + tonumber(ARGV[4])))
end
redis.call('PEXPIRE', KEYS[1], 172800000)
"""
)
STATE: Final = (
    COUNTS
    + """
local rest = redis.call('HMGET', KEYS[1], 'failures', 'open_until', 'last_error')
local minute, day = counts('minute', 60000), counts('day', 86400000)
return {minute.used, day.used, tonumber(rest[1]) or 0, tonumber(rest[2]) or 0, rest[3] or false, now}
"""
)
LARGEST_REPORT: Final = 1_000_000_000


class ValkeyProviderGate(ProviderGate):
    """One atomic script an action, timed by the server's clock.

    Whose minute a request is counted in is the provider's decision, made when it arrives there. So what is
    granted in the last ``late_seconds`` of a period counts in the next one too, and what is granted in
    the first ``early_seconds`` (clocks differ) in the one before. A server that fails or is slower than
    ``timeout_seconds`` grants nothing and is left alone for a second.
    """

    def __init__(
        self,
        client: Redis,
        *,
        timeout_seconds: float = 0.25,
        prefix: str = "waardhaven:provider:",
        circuit: Circuit | None = None,
        early_seconds: float = 1.0,
        late_seconds: float = 5.0,
        now: Callable[[], float] | None = None,
    ) -> None:
        """Count through ``client``. ``now`` (seconds since 1970) replaces the server's clock in tests."""
        self._client: Any = client
        self._take: Callable[..., Awaitable[list[Any]]] = client.register_script(TAKE)
        self._observe: Callable[..., Awaitable[None]] = client.register_script(OBSERVE)
        self._exhausted: Callable[..., Awaitable[None]] = client.register_script(EXHAUSTED)
        self._failed: Callable[..., Awaitable[None]] = client.register_script(FAILED)
        self._state: Callable[..., Awaitable[list[Any]]] = client.register_script(STATE)
        self._timeout = timeout_seconds
        self._prefix = prefix
        self._circuit = circuit or Circuit("valkey provider gate")
        self._margins = [round(seconds * MILLISECONDS) for seconds in (early_seconds, late_seconds)]
        self._now = now

    async def take(self, provider: str, *, wanted: int, least: int, allotment: Allotment) -> Grant:
        """See ProviderGate."""
        limits = ["" if one is None else one for one in (allotment.per_minute, allotment.per_day)]
        rule = [PATIENCE, round(PROBE_SECONDS * MILLISECONDS)]
        arguments = [max(wanted, least), least, *self._margins, *limits, *rule]
        granted, wait, period, is_open, probe = await self._run(self._take, provider, arguments)
        return Grant(
            credits=granted,
            retry_seconds=wait / MILLISECONDS,
            period=Period(period.decode()) if period else None,
            breaker_open=bool(is_open),
            probe=bool(probe),
        )

    async def observe(self, provider: str, *, used: int | None, left: int | None, limit: int | None) -> None:
        """See ProviderGate."""
        if used is None and left is not None and limit is not None:
            used = limit - left
        if used is not None and used > 0:
            await self._run(self._observe, provider, [min(used, LARGEST_REPORT)])

    async def exhausted(self, provider: str, period: Period) -> None:
        """See ProviderGate."""
        await self._run(self._exhausted, provider, [period.value, _LENGTHS[period]])

    async def failed(self, provider: str, error: str) -> None:
        """See ProviderGate."""
        rule = [PATIENCE, ceil(OPEN_SECONDS * MILLISECONDS)]
        await self._run(self._failed, provider, [error[:LARGEST_TEXT], *rule])

    async def succeeded(self, provider: str) -> None:
        """See ProviderGate."""
        fields = ("failures", "open_until", "last_error", "probe_until")
        await self._attempt(lambda: self._client.hdel(self._prefix + provider, *fields))

    async def state(self, provider: str) -> GateState:
        """See ProviderGate."""
        minute, day, failures, until, error, now = await self._run(self._state, provider, [])
        is_open = failures >= PATIENCE
        return GateState(
            minute_used=minute,
            day_used=day,
            breaker=(Breaker.OPEN if until > now else Breaker.HALF_OPEN) if is_open else Breaker.CLOSED,
            failures=failures,
            open_until=datetime.fromtimestamp(until / MILLISECONDS, UTC) if is_open else None,
            last_error=error.decode(errors="replace") if error else None,
        )

    async def _run(self, script: Callable[..., Awaitable[Any]], provider: str, arguments: list[Any]) -> Any:
        now = "" if self._now is None else round(self._now() * MILLISECONDS)
        return await self._attempt(lambda: script(keys=[self._prefix + provider], args=[now, *arguments]))

    async def _attempt(self, command: Callable[[], Awaitable[Any]]) -> Any:
        """Return what the server answers; raise GateUnavailable when it does not."""
        if self._circuit.is_open():
            raise GateUnavailable("The shared budget of credits is out of reach.")
        try:
            async with asyncio.timeout(self._timeout):
                answer = await command()
        except (RedisError, OSError, TimeoutError) as error:
            self._circuit.failed(error)
            raise GateUnavailable("The shared budget of credits is out of reach.") from error
        self._circuit.succeeded()
        return answer
