"""Which settings of federated sign-in start, and what is said of those that do not."""

import pytest

from waardhaven.bootstrap.settings import InvalidSettings, read_settings

SECRET = "hunter2"
ISSUERS = [
    "https://issuer.example",
    "https://issuer.example:8443/realms/one",
    "https://10.0.0.1/",
    "http://127.0.0.1:9000",
    "http://localhost:9000/tenant",
    "http://[::1]:9000",
]
UNSAFE = [
    "http://issuer.example",
    "http://10.0.0.1",
    "http://localhost.example",
    "https://user:hunter2@issuer.example",
    "https://issuer.example?tenant=1",
    "https://issuer.example#part",
    "https://issuer.example\\@evil.example",
    "https://issuer.example/a b",
    "https://ïssuer.example",
    "https://",
    "https://issuer.example:port",
    "https://[::1",
    "ftp://issuer.example",
    "file:///etc/passwd",
    "issuer.example",
]
HALVES = [
    ({"OIDC_ISSUER": ISSUERS[0]}, "OIDC_CLIENT_ID: must be set together with OIDC_ISSUER"),
    ({"OIDC_CLIENT_ID": "a"}, "OIDC_ISSUER: must be set together with OIDC_CLIENT_ID"),
    ({"OIDC_CLIENT_SECRET": SECRET}, "OIDC_CLIENT_ID: must be set together with OIDC_CLIENT_SECRET"),
    ({"GITHUB_CLIENT_ID": "a"}, "GITHUB_CLIENT_SECRET: must be set together with GITHUB_CLIENT_ID"),
    ({"GITHUB_CLIENT_SECRET": SECRET}, "GITHUB_CLIENT_ID: must be set together with GITHUB_CLIENT_SECRET"),
]


@pytest.mark.parametrize("issuer", ISSUERS)
def test_safe_issuer_starts(issuer: str):
    settings = read_settings({"OIDC_ISSUER": issuer, "OIDC_CLIENT_ID": "a"})
    assert settings.oidc_issuer == issuer


@pytest.mark.parametrize("issuer", UNSAFE)
def test_unsafe_issuer_stops_the_start_with_one_rule_and_is_not_repeated(issuer: str):
    with pytest.raises(InvalidSettings) as found:
        read_settings({"OIDC_ISSUER": issuer, "OIDC_CLIENT_ID": "a"})
    assert [one.field for one in found.value.errors] == ["OIDC_ISSUER"]
    assert SECRET not in found.value.message


@pytest.mark.parametrize(("environ", "line"), HALVES)
def test_half_a_registration_stops_the_start_and_names_the_other_half(environ: dict[str, str], line: str):
    with pytest.raises(InvalidSettings) as found:
        read_settings(environ)
    assert found.value.message == f"Settings are not valid. {line}."


def test_setting_that_is_malformed_does_not_count_as_missing():
    with pytest.raises(InvalidSettings) as found:
        read_settings({"GITHUB_CLIENT_ID": "a", "GITHUB_CLIENT_SECRET_FILE": "/nonexistent"})
    assert [one.field for one in found.value.errors] == ["GITHUB_CLIENT_SECRET_FILE"]


def test_whole_registrations_start():
    assert read_settings({"GOOGLE_CLIENT_ID": "a", "GITHUB_CLIENT_ID": "b", "GITHUB_CLIENT_SECRET": "c"})
