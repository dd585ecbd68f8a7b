"""A broken host.json is said in words before anything is done with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from actions.host.chom_host import settings
from tests.host.server import Server


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "is not JSON"),
        ("[]", "has to hold one JSON object"),
        ('{"wwww": "/x"}', "'wwww' is no setting"),
        ('{"www": "relative"}', "www has to be an absolute path"),
        ('{"www": 3}', "www has to be an absolute path"),
        ('{"link": "../x"}', "link has to be a plain name"),
        ('{"services": "nginx"}', "services has to be a list of names"),
        ('{"services": ["--now"]}', "services has to be a list of names"),
        ('{"shared": ["../.."]}', "shared has to be a list of names"),
        ('{"caches": ["config:cache; id"]}', "caches has to be a list of names"),
        ('{"max_unpacked": true}', "has to be a number of bytes"),
        ('{"fpm_socket": "x"}', "fpm_socket has to be"),
        ('{"site": "127.0.0.1:80"}', 'site has to be an address as "https://127.0.0.1:8443"'),
    ],
)
def test_broken_settings_are_said(server: Server, text: str, why: str) -> None:
    (server.root / "host.json").write_text(text)
    status, answer = server.enter("channel")
    assert (status, answer["error"]["code"]) == (78, "bad settings")
    assert why in answer["error"]["message"]


def test_settings_that_are_right(tmp_path: Path) -> None:
    assert settings.load_settings(tmp_path / "none.json") == settings.Settings()
    (tmp_path / "host.json").write_text('{"fpm_socket": "127.0.0.1:9000", "services": []}')
    assert settings.load_settings(tmp_path / "host.json").services == ()


def test_a_server_that_is_not_prepared_says_so(server: Server) -> None:
    (server.root / "in-the-way").write_text("")
    server.settings(state=str(server.root / "in-the-way"))
    status, answer = server.enter("channel")
    assert (status, answer["error"]["code"]) == (71, "host error")
