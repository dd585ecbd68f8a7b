"""What nobody sees from outside is asked after a switch: a queue that nobody works on sends users back by itself."""

from __future__ import annotations

from tests.lab.conftest import Lab, Users
from tests.lab.slack import Slack
from tests.lab.test_3_deploys import current, served
from tests.lab.vps import Vps


def test_a_queue_that_nobody_works_on_turns_a_deploy_back(lab: Lab, vps: Vps, channel: Slack, users: Users) -> None:
    blue, version = current(vps), served(vps)
    for server in lab.apps:
        server.ssh("supervisorctl stop chom-worker")
    try:
        title = "Deploy v1.8 to production"
        channel.ask_and_approve("deploy v1.8", title)
        card = channel.card_says(title, "Turned back.")
    finally:
        for server in lab.apps:
            server.ssh("supervisorctl start chom-worker")
    assert "a job was put in the queue “redis”, and no worker did it within 30 s" in card["text"]
    assert (current(vps), served(vps)) == (blue, version)
    users.seen()
