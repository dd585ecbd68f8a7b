"""The check of a canary before any user is sent there: its PHP-FPM is asked, and nginx with the canary's pin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.host.deploys import R1, R2, twice
from tests.host.fpm import Fpm
from tests.host.server import Channel, Server
from tests.support.nginx import Nginx

PIN = "5ec2e7"
QUERY = "deep=1&chom-probe="


@dataclass
class Probed:
    """A server with a canary that was started, with the PHP-FPM and the nginx that a check of it asks."""

    server: Server
    channel: Channel
    fpm: Fpm
    nginx: Nginx
    pages: dict[bool, bytes]
    """What the release answers to who asks PHP-FPM itself (False), and through nginx (True)."""
    jobs: int = 0

    def said(self, release: str = R1) -> tuple[bool, str]:
        """Whether the check of the canary passed, and what it said."""
        self.jobs += 1
        asking = {"release": release, "path": "/health?deep=1"}
        said = self.channel.run(f"run/probe{self.jobs}/forward", "canary_health", asking)
        return said["ok"], said["summary"]


@pytest.fixture
def probed(server: Server) -> Iterator[Probed]:
    path, pins = server.root / "canary.sock", server.root / "pins.conf"
    pins.write_text(f'"{PIN}-canary" canary;\n"{PIN}-stable" stable;\n')
    pages = {False: b"\r\n\r\nok", True: b"\r\n\r\nok"}
    fpm = Fpm(path, lambda asked: pages["chom-probe" in asked["QUERY_STRING"]])
    nginx = Nginx(pins, path, server.www / "chom_canary")
    server.settings(canary="chom_canary", canary_socket=str(path), canary_status=str(path), site=nginx.url,
                    leases=str(server.root / "run"), pins=str(pins))  # fmt: skip
    fpm.start()
    try:
        channel = server.channel()
        twice(channel, "stage", server.stage_args(R1, "v1.0"))
        twice(channel, "canary_start", {"release": R1})
        yield Probed(server, channel, fpm, nginx, pages)
    finally:
        fpm.close()
        nginx.close()


def test_its_health_is_asked_of_its_own_master_and_through_nginx_as_a_user_would(probed: Probed) -> None:
    assert probed.said() == (True, "/health?deep=1 of v1.0 answers HTTP 200 in the canary pool, also through nginx")
    itself, through = probed.fpm.asked
    script = str(probed.server.www / "releases" / R1 / "public/index.php")
    assert (itself["SCRIPT_FILENAME"], through["SCRIPT_FILENAME"]) == (script, script)
    assert (itself["QUERY_STRING"], through["QUERY_STRING"][: len(QUERY)]) == ("deep=1", QUERY)
    assert probed.said()[0]
    assert through["QUERY_STRING"] != probed.fpm.asked[-1]["QUERY_STRING"], "each time another mark"
    heard = probed.nginx.heard[0]
    assert (heard["Host"], heard["X-Chom-Pin"], "Cookie" in heard) == ("localhost", f"{PIN}-canary", False)
    logs = [path.read_text() for path in probed.server.root.rglob("*") if path.suffix in (".log", ".json")]
    assert len(logs) > 3 and not any(PIN in text for text in logs)


def test_a_check_gets_past_maintenance_mode(probed: Probed) -> None:
    twice(probed.channel, "down", {"seconds": 60})
    assert probed.said()[0]
    assert probed.nginx.heard[0]["Cookie"] == probed.fpm.asked[0]["HTTP_COOKIE"] != ""


def routed_elsewhere(probed: Probed) -> None:
    probed.nginx.routes = False


def closed(probed: Probed) -> None:
    probed.nginx.close()


def not_reloaded(probed: Probed) -> None:
    (probed.server.root / "pins.conf").write_text('"0ther-canary" canary;\n')


def without_pin(probed: Probed) -> None:
    (probed.server.root / "pins.conf").write_text("")


def no_status_page(probed: Probed) -> None:
    probed.fpm.has_status = False


def ill(probed: Probed) -> None:
    probed.pages[False] = b"Status: 500\r\n\r\n"


def ill_through_nginx(probed: Probed) -> None:
    probed.pages[True] = b"Status: 404\r\n\r\n"


NOT_SENT = "did not reach the canary, and got HTTP 200: nginx's routing was changed"


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (ill, "/health?deep=1 of v1.0 answers HTTP 500"),
        (ill_through_nginx, "/health?deep=1 of v1.0 answers HTTP 200 in the canary pool and HTTP 404 through nginx"),
        (routed_elsewhere, NOT_SENT),
        (not_reloaded, NOT_SENT),
        (closed, "nginx does not listen at http://127.0.0.1:"),
        (without_pin, "pins.conf has no pin of the canary; run `chom-bot host install`"),
        (no_status_page, "canary.sock gives no status page (HTTP 404); run `chom-bot host install`"),
    ],
)
def test_where_users_would_not_be_sent_to_it_the_check_says_so(
    probed: Probed, broken: Callable[[Probed], None], said: str
) -> None:
    broken(probed)
    assert (probed.server.state / "weight.json").exists() is False, "nobody was sent"
    ok, summary = probed.said()
    assert not ok and said in summary, summary
    assert len(summary) < 400 and PIN not in summary


def test_only_the_release_that_was_started_is_checked(probed: Probed) -> None:
    assert probed.said(R2) == (False, "the canary pool serves v1.0")
    (probed.server.www / "chom_canary").unlink()
    assert probed.said() == (False, "the canary pool serves nothing")
