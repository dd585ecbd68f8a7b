"""Whatever can be broken is offered by the page, under a name of its own."""

from collections import Counter

from bot.sandbox.breaking import FAULTS, KNOWN
from bot.sandbox.slack.faults import Trouble
from bot.sandbox.slack.sockets import SocketFault


def test_the_page_offers_every_fault_once() -> None:
    offered = [fault.spec for fault in FAULTS]
    assert {spec["slack"] for spec in offered if "slack" in spec} == {*Trouble, "up"}
    assert {spec["socket"] for spec in offered if "socket" in spec} == set(SocketFault)
    assert {spec["deliver"] for spec in offered if "deliver" in spec} == {"once", "twice"}
    assert {word for fault in FAULTS for word in fault.spec if word in ("kill", "stop", "cont")} == {
        "kill",
        "stop",
        "cont",
    }
    labels = Counter(fault.label for fault in FAULTS)
    assert max(labels.values()) == 1 and all(fault.said.endswith(".") for fault in FAULTS)


def test_who_asks_for_what_cannot_be_broken_is_told_what_can() -> None:
    assert '{"disk": "production", "seconds": 10}' in KNOWN and '{"socket": "mute"}' in KNOWN
