"""All that the bot can do, found by looking: every module in actions/ that has an `ACTION` is a command."""

from __future__ import annotations

import importlib
import itertools
import pkgutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import actions
from actions.engine.fleet import Artifact, Fleet, Request
from actions.engine.plan import Arg, Plan
from actions.engine.registry.advice import advise, nearest, no_environment
from actions.engine.registry.grammar import COMMON, BadCommand, read
from actions.engine.registry.usage import BadUsage, Usage, fits, overlap, parse_usage
from actions.engine.words import quote

__all__ = ["Action", "BadAction", "BadCommand", "Matched", "Registry", "Reserved", "UsageOverlap", "discover"]

Planner = Callable[[Request, Fleet, Artifact | None], Plan]
"""Pure and deterministic: the same request, fleet and artifact give the same plan. Raises CannotPlan."""

_EVERY = (
    'Every change takes reason="why it is made"; category=2 or category=3 where more people should look at it than '
    'the rules ask for; and emergency="why it cannot wait" where who is on call or a Tech Lead has to let it through '
    "alone: that is told at once, and reviewed afterwards."
)


class BadAction(Exception):
    """An action is not what it has to be; found at start, and said in a sentence that names it."""


class UsageOverlap(BadAction):
    """Two commands would understand the same line; found at start, before anything is served."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing the bot can do to an environment; it lives in one file of actions/."""

    name: str
    """Unique, and what `Plan.action` says."""
    usage: str
    """See usage.py. An <environment> in it is the one the plan is for, the default one where it is left out."""
    summary: str
    """One or two sentences for the help."""
    plan: Planner
    brings_artifact: bool
    """Whether `plan` is given the artifact of the version in the arguments."""
    log: Literal["deployment", "rollback", "backup", "config"]
    """What its logs on the servers begin with."""
    examples: tuple[str, ...] = ()
    brings_config: bool = False
    """Whether the fleet that `plan` is given has the edits of the environment file that are asked for."""
    shows_only: bool = False
    """Its plan is shown to whoever asks, and never started."""
    reads: Callable[[Request, Fleet], tuple[str, ...]] = lambda request, fleet: ()
    """The sha256 of each artifact, beside one that is brought, in whose migrations `plan` looks. Raises CannotPlan."""

    @property
    def parsed(self) -> Usage:
        """The usage line, read. Raises BadUsage."""
        return parse_usage(self.usage)


@dataclass(frozen=True, slots=True)
class Reserved:
    """A command of the bot itself, such as status: it changes nothing and is not planned."""

    usage: str
    """Its first word is the command; the rest is shown, not parsed."""
    summary: str
    examples: tuple[str, ...] = ()

    beside: tuple[str, ...] = ()
    """Where actions begin with its first word too: its second words, none of which is theirs."""

    @property
    def head(self) -> str:
        """The first word of its usage."""
        return self.usage.split()[0]


@dataclass(frozen=True, slots=True)
class Matched:
    """A chat line that one action understood."""

    action: Action
    arguments: Mapping[str, Arg]
    """By the names in the usage line, without the environment."""
    environment: str
    reason: str
    text: str
    """The line without hidden characters; keep this one, not the original."""
    category: int = 0
    """The least that was asked for, 1 to 3; 0 for what the rules say."""
    emergency: str = ""
    """Why it cannot wait for what its category needs; "" where it can."""

    @property
    def same(self) -> str:
        """One text for all lines that ask for the same, whatever their reasons are."""
        return repr(
            (self.action.name, sorted(self.arguments.items()), self.environment, self.category, bool(self.emergency))
        )


@dataclass(frozen=True, slots=True)
class Registry:
    """The actions and the reserved words. Raises BadUsage and UsageOverlap when it is made."""

    actions: tuple[Action, ...]
    reserved: tuple[Reserved, ...] = ()
    lead: str = "/chom "
    """What is typed in front of a command: "/chom " in Slack, "chom-bot " in a shell."""

    def __post_init__(self) -> None:
        for one, other in itertools.combinations(self.actions, 2):
            if one.name == other.name:
                raise UsageOverlap(f"two actions are called {one.name!r}")
            if text := overlap(one.parsed, other.parsed):
                raise UsageOverlap(
                    f"{one.name} ({one.usage!r}) and {other.name} ({other.usage!r}) both understand {text!r}"
                )
        words = [*((a.parsed.head, a.name) for a in self.actions), *((word.head, "the bot") for word in self.reserved)]
        for reserved in self.reserved:
            if reserved.beside and not any(_would_begin(a.parsed, reserved) for a in self.actions):
                continue
            if len(owners := [owner for head, owner in words if head == reserved.head]) > 1:
                raise UsageOverlap(
                    f"the word {reserved.head!r} belongs to {owners[0]} and is reserved for {owners[-1]}"
                )

    def action(self, name: str) -> Action:
        """The action of that name; KeyError where there is none."""
        for action in self.actions:
            if action.name == name:
                return action
        raise KeyError(name)

    def match(self, text: str, environments: Collection[str], default_environment: str) -> Matched:
        """Read a chat line. Raises BadCommand with a sentence that is safe to show."""
        typed = read(text)
        if not typed.words:
            raise BadCommand(f"Say what to do, for example: {self.lead}{self._example()}. {self._more()}")
        head = typed.words[0].lower()
        candidates = [action for action in self.actions if action.parsed.head == head]
        if not candidates:
            raise BadCommand(self._unknown(head))
        options = {key: value for key, value in typed.options.items() if key not in COMMON}
        for action, form in ((known, form) for known in candidates for form in known.parsed.forms):
            arguments = form.bind(typed.words, options)
            if arguments is not None and not _misfits(typed.options):
                environment = str(arguments.pop("environment", default_environment))
                if environment not in environments:
                    raise BadCommand(no_environment(environment, environments))
                reason, emergency = (typed.options.get(key, "") for key in ("reason", "emergency"))
                category = int(typed.options.get("category", 0))
                return Matched(action, arguments, environment, reason, typed.text, category, emergency)
        raise BadCommand(advise([a.parsed for a in candidates], typed, COMMON, environments, self.lead))

    def with_lead(self, text: str) -> str:
        """What begins as a command does as it is typed here; anything else as it is."""
        words = text.split()
        is_ours = words and any(_begins(known, words) for known in (*self.actions, *self.reserved))
        return f"{self.lead}{text}" if is_ours else text

    def help(self, topic: str = "") -> str:
        """Plain text: every command, or those with that first word, or else with that word of their own: "canary"."""
        asked = topic.split()[0].lower() if topic.split() else ""
        if not asked:
            told = [_entry(self.lead, known, ()) for known in (*self.actions, *self.reserved)]
            return "\n".join([*told, _EVERY])
        known = [k for k in (*self.actions, *self.reserved) if asked == _head(k)]
        known = known or [action for action in self.actions if asked in action.parsed.own]
        if not known:
            return f"{self._unknown(asked)}\n\n{self.help()}"
        return "\n".join(_entry(self.lead, k, k.examples) for k in known)

    def _unknown(self, head: str) -> str:
        for word in self.reserved:
            if word.head == head:
                return f"{head} has no plan. {word.summary}"
        meant = nearest(head, [_head(known) for known in (*self.actions, *self.reserved)])
        usage = next((known.usage for known in (*self.actions, *self.reserved) if _head(known) == meant), "")
        near = f" Did you mean: {self.lead}{usage}?" if meant else ""
        return f"There is no command {quote(head)}.{near} {self._more()}"

    def _more(self) -> str:
        if not any(word.head == "help" for word in self.reserved):
            return f"There are: {', '.join(sorted({_head(known) for known in (*self.actions, *self.reserved)}))}."
        return f"{self.lead}help lists every command."

    def _example(self) -> str:
        return next((example for action in self.actions for example in action.examples), "help")


def discover(reserved: Sequence[Reserved] = (), lead: str = "/chom ") -> Registry:
    """Every action in actions/, in the order of their names. Raises BadAction."""
    modules = sorted(pkgutil.iter_modules(actions.__path__), key=lambda module: module.name)
    found = (_action(module.name) for module in modules if not module.ispkg)
    return Registry(tuple(found), tuple(reserved), lead)


def _action(name: str) -> Action:
    """The one in that module of actions/. Raises BadAction."""
    action = getattr(importlib.import_module(f"actions.{name}"), "ACTION", None)
    if not isinstance(action, Action):
        raise BadAction(f"actions/{name}.py has no ACTION; helpers belong in actions/engine.")
    try:
        _ = action.parsed
    except BadUsage as wrong:
        raise BadAction(f"actions/{name}.py has a usage line that is none, {wrong}.") from wrong
    return action


def _misfits(options: Mapping[str, str]) -> bool:
    """Whether an option that every action takes has a value that it cannot have."""
    return any(not kind.accepts(options[key]) for key, kind in COMMON.items() if key in options)


def _would_begin(usage: Usage, reserved: Reserved) -> bool:
    """Whether a line of the action may begin as the reserved one does."""
    firsts = [form.words[:2] for form in usage.forms if usage.head == reserved.head]
    return any(len(words) < 2 or any(fits(words[1], word) for word in reserved.beside) for words in firsts)


def _begins(known: Action | Reserved, words: Sequence[str]) -> bool:
    """Whether the words begin with those before the first argument."""
    if _head(known) != words[0]:
        return False
    if isinstance(known, Reserved):
        return not known.beside or words[1:2] in [[], *([word] for word in known.beside)]
    return any(form.reach(words) >= form.lead for form in known.parsed.forms)


def _head(known: Action | Reserved) -> str:
    return known.parsed.head if isinstance(known, Action) else known.head


def _entry(lead: str, known: Action | Reserved, examples: Sequence[str]) -> str:
    shown = [f"    for example: {lead}{example}" for example in examples]
    return "\n".join([f"{lead}{known.usage}", f"    {known.summary}", *shown])
