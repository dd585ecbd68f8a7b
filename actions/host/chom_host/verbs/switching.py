"""Which release is served, in one rename; and what has to begin anew after it."""

from __future__ import annotations

import time
from pathlib import Path

from ..arguments import RELEASE, flag, many, text
from ..base import Failed
from ..files import append_json, locked, sync_dir
from ..server import activations, served, version_of, whole_release, why_no_switch
from ..settings import SERVICE, Settings
from ..work import Command, Verb, Work


def switch(work: Work, release: str, workers: bool) -> str:
    target = whole_release(work, release)
    done = f"{version_of(work.settings, release)} is served"
    if served(work.settings) == release:
        done += " already"
    else:
        point_current(work.settings, release)
    with locked(work.settings):  # also where the link was right already: a crash may have come between the two
        past = activations(work.settings)
        if not past or past[-1]["release"] != release:
            at = max(int(time.time()), past[-1]["at"] + 1 if past else 0)  # whole seconds, and the order stays clear
            record = {"release": release, "at": at}
            append_json(Path(work.settings.state, "activations.jsonl"), record)
    if workers:
        work.run(work.php(target, "queue:restart"))
        done += ", and the queue workers were told to restart"
    return done


def point_current(settings: Settings, release: str) -> None:
    """The link that nginx follows ($realpath_root), replaced in one rename."""
    if why := why_no_switch(settings):
        raise Failed(why)
    current, outer = settings.current_link, Path(settings.www, settings.link)
    if outer != current and not outer.is_symlink():  # else nginx's root goes through the current link itself
        outer.symlink_to(settings.current)
    fresh = current.with_name(f".{current.name}.next")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(f"releases/{release}")
    fresh.replace(current)
    sync_dir(current.parent)


def restart(work: Work, services: list[str]) -> str:
    now = served(work.settings)
    if not now:
        raise Failed("no release is served, so there are no queue workers to tell")
    work.run(work.php(work.settings.release(now), "queue:restart"))
    for service in services:
        argv = [work.settings.sudo, "-n", work.settings.systemctl, "reload", service]
        work.run(Command(f"systemctl reload {service}", argv, Path("/")))
    return "the queue workers were told to restart" + "".join(f", {service} was reloaded" for service in services)


VERBS = {
    "switch": Verb({"release": RELEASE, "workers": flag}, switch),
    "restart": Verb({"services": many(text(SERVICE.pattern, "a service's name"))}, restart),
}
