"""On whom a change calls now: who may approve, answer, start or review it, and how their phone is made to ring."""

from __future__ import annotations

from bot.desk.refusals import why_not_decide
from bot.desk.view import ChangeView
from bot.slack.cards.stage import decided
from bot.slack.words import inline, listed
from policies.change import Allowed, Person, Role, Waiting, Word
from policies.judge import may_answer
from policies.review import reviewers, why_not_review


def mention(person: Person) -> str:
    """A person by their Slack account, so that they are told; by name where they have none."""
    return f"<@{person.accounts[0].user}>" if person.accounts else inline(person.name, 80)


def mentions(people: list[Person]) -> str:
    """All of them, or of many the first ones and how many more."""
    return listed([mention(person) for person in people], 6)


def approvers(view: ChangeView) -> list[Person]:
    """People who could give an approval that is still missing; nobody who may not, nobody twice."""
    if not isinstance(view.verdict, Waiting):
        return []
    missing = {role for need in view.verdict.missing for role in need.roles}
    spoken = {*view.change.barred, *(a.person for a in decided(view, Word.APPROVE))}
    return [p for p in view.people.values() if p.id not in spoken and p.roles & missing]


def awaits(view: ChangeView, who: Person) -> bool:
    """Whether this person's answer is missing, or their word, their press on Start, or their review."""
    if view.owes_review:
        return not why_not_review(view.change, view.approvals, who, view.people)
    if view.run.seq:
        return view.run.question is not None and may_answer(who)
    if isinstance(view.verdict, Allowed):
        return not view.behind and not why_not_decide(view, who)
    return any(person.id == who.id for person in approvers(view))


def answerers(view: ChangeView) -> list[Person]:
    """Whom a question is put to: who is on call and the Tech Leads, or else all who may answer it."""
    able = [person for person in view.people.values() if may_answer(person)]
    return [person for person in able if person.roles & {Role.ON_CALL, Role.TECH_LEAD}] or able


def can_answer(view: ChangeView) -> str:
    """A sentence that mentions them, as mrkdwn; "" where there is nobody."""
    who = answerers(view)
    return f"{mentions(who)} can answer it." if who else ""


def can_review(view: ChangeView) -> list[Person]:
    """Who may close the review of an emergency."""
    return reviewers(view.change, view.approvals, view.people)


def told(view: ChangeView) -> list[Person]:
    """Who has to hear of an emergency at once; not who asked for it."""
    roles, asker = set(view.change.requirement.tell), view.change.requester
    return [person for person in view.people.values() if person.roles & roles and person.id != asker]
