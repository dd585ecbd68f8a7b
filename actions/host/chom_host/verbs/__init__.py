"""What a job can do on a server: a file for each kind of effect. A new one is a file with VERBS and a line here."""

from __future__ import annotations

from collections.abc import Mapping

from ..work import Verb
from . import backing_up, canary, configuring, health, maintenance, migrating, pruning, smoke, staging, switching

JOB_VERBS: Mapping[str, Verb] = {
    **staging.VERBS,
    **configuring.VERBS,
    **backing_up.VERBS,
    **migrating.VERBS,
    **health.VERBS,
    **switching.VERBS,
    **maintenance.VERBS,
    **canary.VERBS,
    **smoke.VERBS,
    **pruning.VERBS,
}
JOB_SHAPES = {name: verb.args for name, verb in JOB_VERBS.items()}
