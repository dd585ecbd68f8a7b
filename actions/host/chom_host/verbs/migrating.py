"""The database's migrations of a release, with the name of each that was applied."""

from __future__ import annotations

from ..arguments import RELEASE
from ..base import Failed
from ..files import locked
from ..server import applied_migration, record_migrations, whole_release
from ..work import Verb, Work


def migrate(work: Work, release: str) -> str:
    target = whole_release(work, release)

    def note(line: str) -> None:
        name = applied_migration(line)
        if name and name not in work.applied:
            work.applied.append(name)
            try:
                with locked(work.settings):
                    record_migrations(work.settings, release, [name])
            except (OSError, Failed) as fault:  # no reason to stop a migration half way: the result will name it
                work.note(f"could not record {name}: {fault}")

    try:
        work.run(work.php(target, "migrate", "--force"), on_line=note)
    except Failed as failed:
        did = f"applied before that, and still in the database: {', '.join(work.applied)}"
        raise Failed(f"{failed}; {did if work.applied else 'no migration was applied'}") from None
    if not work.applied:
        return "nothing to migrate"
    return f"{len(work.applied)} migration{'s' if len(work.applied) > 1 else ''} applied: {', '.join(work.applied)}"


VERBS = {"migrate": Verb({"release": RELEASE}, migrate)}
