"""What migrations mean for code that knows nothing of them: old code that serves beside them, or comes back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from actions.engine.fleet import CannotPlan, Fleet
from actions.engine.migrations import UNSEEN, WayBack
from actions.engine.plan import Arg, Plan
from actions.engine.words import counted, joined

NAMED = 3
"""So many migrations are named in a sentence."""


def destructive(fleet: Fleet, names: Sequence[str]) -> Mapping[str, str]:
    """Those of them that old code may break on -> why; what cannot be told is one of them."""
    found = {name: fleet.reads.get(name, UNSEEN) for name in names}
    return {name: one.because for name, one in found.items() if one.destructive}


def explained(worst: Mapping[str, str]) -> str:
    """ "m1 (line 9: it drops the column email of wishes) and 2 more"."""
    told = [f"{name} ({why})" for name, why in list(worst.items())[:NAMED]]
    return joined([*told, f"{len(worst) - NAMED} more"] if len(worst) > NAMED else told)


def left_behind(fleet: Fleet, known: Iterable[str]) -> tuple[str, ...]:
    """Migrations in the database that a release with these does not know. No down() is run, so they stay there."""
    return tuple(sorted({name for host in fleet.hosts for name in host.migrations} - set(known)))


def sources(fleet: Fleet, names: Iterable[str]) -> tuple[str, ...]:
    """The artifacts (sha256) of kept releases that have these migrations: of what is served before the others."""
    lacking = set(names)
    kept = sorted((r for host in fleet.hosts for r in host.releases if r.sha256), key=lambda r: r.id, reverse=True)
    kept.sort(key=lambda release: release.id not in {host.current for host in fleet.hosts})
    needed = dict[str, None]()
    for release in kept:
        if found := lacking & set(release.migrations or ()):
            needed[release.sha256] = None
            lacking -= found
    return tuple(needed)


def require_expand_only(fleet: Fleet, whole: Plan, how: str) -> None:
    """Where old and new code serve beside each other, migrations may only add: expand first, contract later.

    This holds for those that would run, and for those that an older version does not know. Raises CannotPlan, with the
    migrations and with what can be typed instead.
    """
    place, version = fleet.environment.name, whole.version
    if whole.facts.get("way_back") == WayBack.RESTORE:
        worst = _known_destructive(fleet, texts(whole.facts, "migrations_left"))
        raise CannotPlan(
            f"{version} cannot go out {how}: it may break on what is in the database, with users on it: "
            f"{explained(worst)} ran since. {_taken(fleet, worst)} That is an operator's work, and no part of a "
            f"deploy. Afterwards, or to try {version} on the database as it is: `deploy {version} to {place}`."
        )
    if not (worst := destructive(fleet, whole.pending)):
        return
    raise CannotPlan(
        f"{version} cannot go out {how}: the code of before serves beside it, and may break on "
        f"{explained(worst)}. Either `deploy {version} rolling by=100% to {place}`, which has everybody wait in "
        f"maintenance mode meanwhile, or `deploy {version} to {place}`, where users of the old code may see errors "
        "between the migrations and the switch. Or make two releases of it: one that only adds, and later, when no "
        "code needs the old any more, one that takes it away."
    )


def way_back(fleet: Fleet, left: Sequence[str]) -> WayBack | None:
    """What going back behind these migrations takes, which stay in the database since no down() is run.

    Reversible: there is none, or each only adds, and its down() would undo it. Forward-only: each only adds, so that
    the older code goes on, and of one nothing is known that would undo it. Needs a restore: one takes something away,
    changes it under the older code, or cannot be told from its file. None where a file is not known, of the others
    none needs a restore.
    """
    known = [one for name in left if (one := fleet.reads.get(name))]
    if any(one.destructive for one in known):
        return WayBack.RESTORE
    if len(known) < len(left):
        return None
    return WayBack.FORWARD_ONLY if any(one.back is WayBack.FORWARD_ONLY for one in known) else WayBack.REVERSIBLE


def require_way_back(fleet: Fleet, left: Sequence[str], version: str) -> WayBack | None:
    """As `way_back`. Raises CannotPlan where it needs a restore: with what would be needed, since none is made here.

    It needs one for what lies between the two releases. What is served now lacks the rest, too, and goes on with it;
    whether the older release does is not known.
    """
    if (way := way_back(fleet, left)) is not WayBack.RESTORE:
        return way
    between = [name for name in left if _is_served(fleet, name)]
    if way_back(fleet, between) is not WayBack.RESTORE:
        return None
    worst, place = _known_destructive(fleet, between), fleet.environment.name
    raise CannotPlan(
        f"{version} may break on what is in the database: {explained(worst)} ran since. "
        f"{_taken(fleet, worst)} That is an operator's work, and no part of a rollback. "
        f"Afterwards, or to try {version} on the database as it is: `deploy {version} to {place}`."
    )


def _is_served(fleet: Fleet, name: str) -> bool:
    """Whether a release that is served has that migration; also where a host does not say which it has."""
    served = [release for host in fleet.hosts if (release := host.release(host.current))]
    return any(release.migrations is None or name in release.migrations for release in served)


def _known_destructive(fleet: Fleet, names: Iterable[str]) -> Mapping[str, str]:
    """As `destructive`, without those of which nothing is known."""
    return destructive(fleet, [name for name in names if name in fleet.reads])


def _taken(fleet: Fleet, worst: Mapping[str, str]) -> str:
    """What it takes to go back behind these: a restore, or their down() where nothing is lost."""
    lost = any(fleet.reads[name].back is WayBack.RESTORE for name in worst)
    return _restore(fleet, tuple(worst)) if lost else _down(fleet)


def _restore(fleet: Fleet, worst: Sequence[str]) -> str:
    on = fleet.environment.migrate_on
    ran = [host.ran[name] for host in fleet.hosts for name in worst if name in host.ran]
    if not ran or not fleet.environment.backup_days:
        return "It needs a restore of a backup from before, and this bot made none then."
    return (
        f"It needs a restore: in maintenance mode, `zcat /var/backups/chom/database/*_{min(ran)}.sql.gz | mariadb "
        f"DATABASE` on {on}, the backup that was made before (kept for "
        f"{counted(fleet.environment.backup_days, 'day')}); what was written since is lost."
    )


def _down(fleet: Fleet) -> str:
    on = fleet.environment.migrate_on
    return f"Nothing is lost: `php artisan migrate:rollback` on {on} would undo it, and may break what is served now."


def told(plan: Plan) -> tuple[str, str]:
    """What going back by this plan means for the database: its kind in a word or two, and a sentence.

    ("", "") for a plan that goes back to nothing older.
    """
    facts, older = plan.facts, plan.version
    newer, left = str(facts.get("replaces", "")) or "the newer version", texts(facts, "migrations_left")
    if "way_back" not in facts:
        return "", ""
    stays, they, adds = ("stays", "it", "adds") if len(left) == 1 else ("stay", "they", "add")
    stay = f"{counted(len(left), 'migration')} that {older} lacks {stays} in the database"
    match facts["way_back"]:
        case WayBack.REVERSIBLE if not left:
            return "Reversible", f"{older} knows all that is in the database."
        case WayBack.REVERSIBLE:
            return "Reversible", f"{stay}; {they} only {adds}, so {older} goes on, and down() would undo it."
        case WayBack.FORWARD_ONLY:
            return "Forward-only", f"{stay} for good; {they} only {adds}, so {older} goes on."
        case WayBack.RESTORE:
            return "Needs a restore", f"{stay}, and {older} may break on it."
        case _ if not facts.get("migrations_left_known", True):
            return "Not known", f"whether {newer} has migrations that {older} lacks. They would stay in the database."
        case _:
            return "Not known", f"{stay}, and whether {older} goes on with that is not known."


def behind(plan: Plan, applied: Sequence[str]) -> tuple[str, str]:
    """As `told`, of a way back behind this plan, which applied these migrations."""
    if losing(plan.facts, applied):
        return "Needs a restore", f"{plan.facts.get('replaces')} may break on what {plan.version} did to the database."
    if not applied:
        return "Reversible", f"no migration came with {plan.version}."
    if "destructive" not in plan.facts:
        return "Not known", f"what {counted(len(applied), 'migration')} of {plan.version} did."
    kind = "Forward-only" if set(applied).intersection(texts(plan.facts, "forward_only")) else "Reversible"
    stays, adds = ("stays", "adds") if len(applied) == 1 else ("stay", "add")
    return kind, f"{counted(len(applied), 'migration')} of {plan.version} {stays} in the database, and only {adds}."


def losing(facts: Mapping[str, Arg], applied: Sequence[str]) -> tuple[str, ...]:
    """Those of the applied migrations that old code may break on, by the facts of the plan that applied them."""
    return tuple(name for name in texts(facts, "destructive") if name in applied)


def texts(facts: Mapping[str, Arg], name: str) -> tuple[str, ...]:
    """A fact that is a list; () where it is none."""
    value = facts.get(name, ())
    return value if isinstance(value, tuple) else ()
