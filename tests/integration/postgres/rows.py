"""One valid row for every table, what makes a second one of it, and bad variants for every CHECK."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

Row = dict[str, Any]
DAY = date(2020, 1, 2)
NEXT = date(2020, 1, 3)
NOW = datetime(2020, 1, 2, 14, 30, tzinfo=UTC)
LATER = NOW + timedelta(hours=6)
ONE, TWO = UUID(int=1), UUID(int=2)
NAN, INF = float("nan"), float("inf")
SHA = "a" * 64
DIGEST, OTHER_DIGEST = bytes(32), bytes(31) + b"\x01"
BAR: Row = {"open": 1.0, "high": 2.0, "low": 0.5, "close": 1.0, "volume": 10.0}
BARE: Row = {"high": NAN, "low": NAN}

VALID: dict[str, Row] = {
    "app_user": {"id": ONE, "email": "ada@x.org", "username": "ada", "password_hash": "$argon2id$x"},
    "audit_entry": {"id": 1, "actor_id": ONE, "action": "user.registered", "target": "user"},
    "audit_link": {"position": 1, "entry_id": 1, "digest": DIGEST},
    "login_session": {
        "id": ONE,
        "user_id": ONE,
        "created_at": NOW,
        "last_used_at": NOW,
        "expires_at": LATER,
        "device": "A browser",
        "address": "203.0.113.9",
        "ended_at": None,
        "end_reason": None,
    },
    "refresh_token": {"digest": DIGEST, "session_id": ONE, "issued_at": NOW},
    "revocation": {"id": 1, "user_id": ONE, "session_id": None, "version": 2},
    "api_key": {
        "id": ONE,
        "user_id": ONE,
        "name": "A key",
        "prefix": "abcdefgh01",
        "digest": DIGEST,
        "scopes": [],
        "created_at": NOW,
        "expires_at": LATER,
    },
    "one_time_token": {
        "digest": DIGEST,
        "purpose": "verify_email",
        "user_id": ONE,
        "issued_at": NOW,
        "expires_at": LATER,
    },
    "identity_link": {"provider": "google", "subject": "1", "user_id": ONE, "linked_at": NOW},
    "spent_proof": {"digest": DIGEST, "expires_at": LATER},
    "mail": {"id": 1, "user_id": ONE, "sealed": b"sealed", "due_at": NOW, "done_at": None},
    "resource_grant": {
        "kind": "index",
        "resource_id": "1",
        "user_id": ONE,
        "right": "read",
        "granted_by": None,
    },
    "outbox": {"id": 1, "kind": "user.registered", "payload": "{}"},
    "vintage": {"id": 1, "committed_at": NOW},
    "currency": {"code": "AAA", "name": "A"},
    "quote_unit": {"code": "AAX", "currency": "AAA", "per_major": 100},
    "asset": {"id": 1},
    "asset_identifier": {
        "id": 1,
        "asset_id": 1,
        "scheme": "ticker",
        "value": "AAA",
        "venue": "XNYS",
        "valid_from": DAY,
        "valid_to": None,
        "vintage_from": 1,
        "vintage_to": None,
    },
    "classification": {
        "id": 1,
        "asset_id": 1,
        "name": "A",
        "asset_type": "equity",
        "currency": "USD",
        "valid_from": DAY,
        "valid_to": None,
        "vintage_from": 1,
        "vintage_to": None,
    },
    "series": {
        "id": 1,
        "asset_id": 1,
        "source": "sample",
        "adjustment": "raw",
        "currency": "USD",
        "quote_unit": "USD",
    },
    "price": {"series_id": 1, "day": DAY, **BAR, "vintage": 1},
    "price_revision": {"series_id": 1, "day": DAY, "vintage_from": 1, "vintage_to": 2, **BAR},
    "price_chunk": {
        "series_id": 1,
        "year": 2020,
        "n": 1,
        "days": bytes(4),
        "closes": bytes(8),
        "vintage": 1,
    },
    "quality_flag": {
        "id": 1,
        "series_id": 1,
        "day": DAY,
        "kind": "outlier",
        "vintage_from": 1,
        "vintage_to": None,
    },
    "fx_series": {"id": 1, "base": "EUR", "quote": "USD", "source": "sample", "fixing": "ECB"},
    "fx_rate": {"fx_series_id": 1, "day": DAY, "rate": 1.1, "vintage": 1},
    "fx_rate_revision": {
        "fx_series_id": 1,
        "day": DAY,
        "vintage_from": 1,
        "vintage_to": 2,
        "rate": 1.1,
    },
    "shares_outstanding": {
        "id": 1,
        "asset_id": 1,
        "day": DAY,
        "shares": 5.0,
        "status": "reported",
        "source": "sample",
        "vintage_from": 1,
        "vintage_to": None,
    },
    "corporate_action": {
        "id": 1,
        "asset_id": 1,
        "source": "sample",
        "key": "one",
        "kind": "cash_dividend",
        "status": "confirmed",
        "ex_date": DAY,
        "pay_date": NEXT,
        "amount": Decimal("0.5"),
        "currency": "USD",
        "ratio": None,
        "other_asset_id": None,
        "vintage_from": 1,
        "vintage_to": None,
    },
    "session": {
        "mic": "XNYS",
        "day": DAY,
        "vintage_from": 1,
        "vintage_to": None,
        "open_at": NOW,
        "close_at": LATER,
    },
    "universe": {"slug": "a-list", "name": "A list"},
    "universe_member": {
        "universe": "a-list",
        "asset_id": 1,
        "valid_from": DAY,
        "vintage_from": 1,
        "valid_to": None,
        "vintage_to": None,
    },
    "market_index": {"id": 1, "slug": "an-index", "owner_id": None, "visibility": "public"},
    "index_definition": {
        "index_id": 1,
        "version": 1,
        "name": "An index",
        "base_date": DAY,
        "base_value": 100.0,
        "currency": "USD",
        "universe": "a-list",
        "lag": 1,
        "decimals": 6,
        "fixing": "ECB",
        "restatement": "leave",
        "rules": "{}",
        "author_id": None,
    },
    "build": {
        "id": ONE,
        "index_id": 1,
        "definition_version": 1,
        "vintage": 1,
        "code_version": "0.1.0",
        "code_digest": SHA,
        "fingerprint": SHA,
        "input_hash": SHA,
        "restates": False,
        "opened_from": None,
        "start_day": DAY,
        "through_day": NEXT,
        "sessions": 2,
        "created_at": NOW,
    },
    "build_column": {"build_id": ONE, "name": "level.day", "dtype": "<i4", "n": 1, "data": bytes(4)},
    "publication": {
        "id": 1,
        "index_id": 1,
        "build_id": ONE,
        "kind": "extend",
        "follows": None,
        "from_day": DAY,
        "through_day": NEXT,
        "announced_at": NOW,
        "effective_at": NOW,
        "reason": "a test",
    },
    "generation": {"one": 1, "value": 1},
}
"""In the order their references need. ``generation`` begins with its row."""

MORE: tuple[tuple[str, Row], ...] = (
    ("audit_entry", {"id": 2}),
    ("vintage", {"id": 2, "committed_at": NOW + timedelta(1)}),
    ("vintage", {"id": 3, "committed_at": NOW + timedelta(2)}),
    ("asset", {"id": 2}),
    ("build", {"id": TWO}),
)
"""Further rows, as changes to the valid one, that twins and bad variants refer to."""

TWIN: dict[str, Row] = {
    "app_user": {"id": TWO, "email": "eve@x.org", "username": "eve"},
    "audit_entry": {"id": 3},
    "audit_link": {"position": 2, "entry_id": 2},
    "login_session": {"id": TWO},
    "refresh_token": {"digest": OTHER_DIGEST},
    "revocation": {"id": 2, "session_id": ONE, "version": None},
    "api_key": {"id": TWO, "prefix": "abcdefgh02"},
    "one_time_token": {"digest": OTHER_DIGEST},
    "identity_link": {"subject": "2"},
    "spent_proof": {"digest": OTHER_DIGEST},
    "mail": {"id": 2},
    "resource_grant": {"resource_id": "2"},
    "outbox": {"id": 2},
    "vintage": {"id": 4, "committed_at": NOW + timedelta(3)},
    "currency": {"code": "BBB"},
    "quote_unit": {"code": "BBX"},
    "asset": {"id": 3},
    "asset_identifier": {"id": 2, "value": "BBB"},
    "classification": {"id": 2, "asset_id": 2},
    "series": {"id": 2, "asset_id": 2},
    "price": {"day": NEXT},
    "price_revision": {"day": NEXT},
    "price_chunk": {"year": 2021},
    "quality_flag": {"id": 2, "day": NEXT},
    "fx_series": {"id": 2, "quote": "GBP"},
    "fx_rate": {"day": NEXT},
    "fx_rate_revision": {"day": NEXT},
    "shares_outstanding": {"id": 2, "day": NEXT},
    "corporate_action": {"id": 2, "key": "two"},
    "session": {"day": NEXT, "vintage_from": 2},
    "universe": {"slug": "b-list"},
    "universe_member": {"asset_id": 2, "vintage_from": 2},
    "market_index": {"id": 2, "slug": "b-index"},
    "index_definition": {"version": 2},
    "build": {"id": UUID(int=3)},
    "build_column": {"name": "level.level"},
    "publication": {"id": 2, "build_id": TWO, "follows": 1},
}
"""What makes a second valid row: every key differs."""

KNOWN_WHILE: tuple[Row, ...] = ({"vintage_from": 2, "vintage_to": 2}, {"vintage_from": 3, "vintage_to": 2})
VALID_WHILE: tuple[Row, ...] = ({"valid_to": DAY},)
"""An end before the beginning is refused sooner: no range of days can hold it."""
NO_DIGESTS = (b"", bytes(31), bytes(33))
BAD_DIGESTS: tuple[Row, ...] = tuple({"digest": bad} for bad in NO_DIGESTS)
RATE: tuple[Row, ...] = tuple({"rate": bad} for bad in (0.0, -1.0, NAN, INF))
BAR_CHECKS: dict[str, tuple[Row, ...]] = {
    "close_is_a_price": tuple({**BARE, "close": bad} for bad in (0.0, -1.0, NAN, INF)),
    "open_is_a_price_or_unknown": tuple({"open": bad} for bad in (0.0, -1.0, INF)),
    "high_is_not_below_close": ({"high": 0.9}, {"high": INF}),
    "low_is_not_above_close": tuple({"low": bad} for bad in (1.1, 0.0, -1.0, INF)),
    "volume_is_not_negative": ({"volume": -1.0}, {"volume": INF}),
}

CHECKS: dict[str, dict[str, tuple[Row, ...]]] = {
    "app_user": {
        "email_is_normalised": ({"email": "Eve@x.org"}, {"email": "nobody"}, {"email": "@x.org"}),
        "username_is_normalised": ({"username": "Eve"}, {"username": "ev"}, {"username": ".eve"}),
        "role_is_known": ({"role": "root"},),
        "password_is_hashed": ({"password_hash": "secret"}, {"password_hash": ""}),
        "token_version_counts_up": ({"token_version": 0}, {"token_version": -1}),
    },
    "audit_entry": {
        "action_is_a_name": ({"action": "User registered"}, {"action": ""}),
        "credential_is_known": ({"credential": "password"}, {"credential": ""}),
        "before_is_a_digest": tuple({"before_digest": bad} for bad in NO_DIGESTS),
        "after_is_a_digest": tuple({"after_digest": bad} for bad in NO_DIGESTS),
        "occurred": ({"occurrences": 0}, {"occurrences": -1}),
    },
    "audit_link": {
        "position_is_positive": ({"position": 0}, {"position": -1}),
        "digest_is_sha256": BAD_DIGESTS,
    },
    "login_session": {
        "lasts_a_while": ({"expires_at": NOW}, {"expires_at": NOW - timedelta(seconds=1)}),
        "device_is_short": ({"device": "a" * 201},),
        "address_is_short": ({"address": "a" * 65},),
        "end_has_a_reason": ({"ended_at": LATER}, {"end_reason": "logout"}),
    },
    "refresh_token": {"digest_is_sha256": BAD_DIGESTS},
    "revocation": {
        "ends_a_session_or_a_version": (
            {"session_id": None, "version": None},
            {"session_id": ONE, "version": 2},
        )
    },
    "api_key": {
        "name_is_given": ({"name": ""}, {"name": "a" * 81}),
        "prefix_is_a_name": ({"prefix": "abc"}, {"prefix": "ABCDEFGH02"}, {"prefix": "abcdefgh0_"}),
        "digest_is_sha256": BAD_DIGESTS,
        "limit_is_positive": ({"per_minute": 0}, {"per_minute": -1}),
        "lasts_a_while": ({"expires_at": NOW},),
    },
    "one_time_token": {
        "digest_is_sha256": BAD_DIGESTS,
        "purpose_is_known": ({"purpose": "log_in"},),
        "lasts_a_while": ({"expires_at": NOW},),
    },
    "identity_link": {
        "provider_is_a_name": ({"provider": "Google"}, {"provider": ""}, {"provider": "a" * 33}),
        "subject_is_given": ({"subject": ""}, {"subject": "a" * 256}),
    },
    "spent_proof": {"digest_is_sha256": BAD_DIGESTS},
    "mail": {
        "attempts_count_up": ({"attempts": -1},),
        "nothing_is_kept_when_done": ({"done_at": NOW},),
    },
    "resource_grant": {
        "kind_is_a_name": ({"kind": "Index"}, {"kind": ""}),
        "right_is_known": ({"right": "own"},),
    },
    "outbox": {
        "kind_is_a_name": ({"kind": "registered"}, {"kind": "user.registered.twice"}, {"kind": ""}),
        "payload_is_an_object": ({"payload": "[]"}, {"payload": "null"}),
    },
    "generation": {"there_is_one_row": ({"one": 2},)},
    "vintage": {"id_is_positive": ({"id": 0}, {"id": -1})},
    "currency": {"code_is_iso": ({"code": "usd"}, {"code": "US"}, {"code": "USDX"})},
    "quote_unit": {"per_major_is_positive": ({"per_major": 0},)},
    "asset_identifier": {
        "known_while": KNOWN_WHILE,
        "valid_while": VALID_WHILE,
        "scheme_is_known": ({"scheme": "cusip", "venue": ""},),
        "value_is_an_identifier": ({"value": "A B"}, {"value": ""}, {"value": "A" * 41}),
        "venue_where_it_belongs": ({"venue": ""}, {"scheme": "isin"}),
    },
    "classification": {
        "known_while": KNOWN_WHILE,
        "valid_while": VALID_WHILE,
        "asset_type_is_known": ({"asset_type": "stock"},),
        "name_is_given": ({"name": ""},),
        "country_is_iso": ({"country": "USA"}, {"country": "us"}),
    },
    "series": {
        "adjustment_is_known": ({"adjustment": "none"},),
        "source_is_a_slug": ({"source": "Sample"}, {"source": ""}, {"source": "a b"}),
    },
    "price": BAR_CHECKS,
    "price_revision": {
        **BAR_CHECKS,
        "known_while": KNOWN_WHILE,
        "withdrawal_has_a_reason": ({"withdrawn": ""},),
    },
    "price_chunk": {
        "n_fits_a_year": (
            {"n": 0, "days": b"", "closes": b""},
            {"n": 367, "days": bytes(4 * 367), "closes": bytes(8 * 367)},
        ),
        "columns_have_n_rows": ({"days": bytes(5)}, {"closes": bytes(4)}, {"n": 2}),
    },
    "quality_flag": {"known_while": KNOWN_WHILE, "kind_is_known": ({"kind": "odd"},)},
    "fx_series": {"currencies_differ": ({"quote": "EUR"},)},
    "fx_rate": {"rate_is_a_rate": RATE},
    "fx_rate_revision": {"rate_is_a_rate": RATE, "known_while": KNOWN_WHILE},
    "shares_outstanding": {
        "known_while": KNOWN_WHILE,
        "shares_are_positive": tuple({"shares": bad} for bad in (0.0, -1.0, NAN, INF)),
        "status_is_known": ({"status": "guessed"},),
    },
    "corporate_action": {
        "known_while": KNOWN_WHILE,
        "kind_is_known": ({"kind": "party"},),
        "status_is_known": ({"status": "maybe"},),
        "amount_has_a_currency": ({"currency": None}, {"kind": "merger", "amount": None}),
        "amount_is_not_negative": ({"amount": Decimal(-1)},),
        "ratio_is_positive": ({"ratio": Decimal(0)}, {"ratio": Decimal(-2)}),
        "split_has_a_ratio": ({"kind": "split"},),
        "dividend_has_an_amount": (
            {"amount": None, "currency": None},
            {"kind": "special_dividend", "amount": None, "currency": None},
        ),
        "pay_follows_ex": ({"pay_date": date(2020, 1, 1)},),
    },
    "session": {
        "known_while": KNOWN_WHILE,
        "close_follows_open": ({"close_at": NOW}, {"close_at": NOW - timedelta(hours=1)}),
        "mic_is_iso": ({"mic": "xnys"}, {"mic": "XNY"}, {"mic": "XNYSE"}),
    },
    "universe": {"slug_is_a_slug": ({"slug": "A list"}, {"slug": ""}, {"slug": "-a"}, {"slug": "a" * 64})},
    "universe_member": {"known_while": KNOWN_WHILE, "valid_while": VALID_WHILE},
    "market_index": {
        "slug_is_a_slug": ({"slug": "An index"}, {"slug": ""}, {"slug": "a'b"}),
        "visibility_is_known": ({"visibility": "secret", "owner_id": ONE},),
        "system_index_is_public": ({"visibility": "private"}, {"visibility": "shared"}),
    },
    "index_definition": {
        "version_is_positive": ({"version": 0},),
        "base_value_is_positive": tuple({"base_value": bad} for bad in (0.0, -1.0, NAN, INF)),
        "selection_precedes_effect": ({"lag": 0}, {"lag": -1}),
        "decimals_are_sane": ({"decimals": -1}, {"decimals": 13}),
        "restatement_is_known": ({"restatement": "maybe"},),
        "rules_are_an_object": ({"rules": "[]"}, {"rules": "null"}),
    },
    "build": {
        "range_runs_forward": ({"through_day": date(2020, 1, 1)},),
        "opening_precedes_start": ({"opened_from": DAY}, {"opened_from": NEXT}),
        "sessions_are_positive": ({"sessions": 0},),
        "digests_are_sha256": ({"input_hash": "a"}, {"code_digest": "A" * 64}, {"fingerprint": ""}),
    },
    "build_column": {
        "data_has_n_values": ({"n": 2}, {"dtype": "<f8"}, {"dtype": "<f4"}, {"dtype": "|i1"}),
        "name_is_group_and_column": ({"name": "level"}, {"name": "Level.day"}, {"name": "a.b.c"}),
    },
    "publication": {
        "kind_is_known": ({"kind": "delete"},),
        "range_runs_forward": ({"through_day": date(2020, 1, 1)},),
        "announced_before_effective": ({"effective_at": NOW - timedelta(seconds=1)},),
        "reason_is_given": ({"reason": ""},),
    },
}
"""By table and rule (constraint ``ck_<table>_<rule>``): changes to the twin that break this rule."""
