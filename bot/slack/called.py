"""Who is called to act on a change, by their Slack account, so that their phone rings."""

from __future__ import annotations

from bot.desk.refusals import why_not_decide
from bot.desk.view import ChangeView
from bot.slack.stage import decided
from bot.slack.words import inline, listed
from policies.change import Allowed, Person, Role, Waiting, Word
from policies.judge import may_answer


def approvers(view: ChangeView) -> list[Person]:
    """People who could give an approval that is still missing; nobody who may not, nobody twice."""
    if not isinstance(view.verdict, Waiting):
        return []
    missing = {role for need in view.verdict.missing for role in need.roles}
    spoken = {*view.change.barred, *(a.person for a in decided(view, Word.APPROVE))}
    return [p for p in view.people.values() if p.id not in spoken and p.roles & missing]


def awaits(view: ChangeView, who: Person) -> bool:
    """Whether this person's answer is missing, or their word, or their press on Start."""
    if view.run.seq:
        return view.run.question is not None and may_answer(who)
    if isinstance(view.verdict, Allowed):
        return not view.behind and not why_not_decide(view, who)
    return any(person.id == who.id for person in approvers(view))


def mention(person: Person) -> str:
    """A person by their Slack account, so that they are told; by name where they have none."""
    return f"<@{person.accounts[0].user}>" if person.accounts else inline(person.name, 80)


def answerers(view: ChangeView) -> list[Person]:
    """Whom a question is put to: who is on call and the Tech Leads, or else all who may answer it."""
    able = [person for person in view.people.values() if may_answer(person)]
    return [person for person in able if person.roles & {Role.ON_CALL, Role.TECH_LEAD}] or able


def can_answer(view: ChangeView) -> str:
    """A sentence that mentions them, as mrkdwn; "" where there is nobody."""
    who = [mention(person) for person in answerers(view)]
    return f"{listed(who, 6)} can answer it." if who else ""
