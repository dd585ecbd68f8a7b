"""Who is behind an account of Slack or a login of the bot's machine; a stranger is told what an operator can do."""

from __future__ import annotations

from bot.desk.planning import Refusal, Unlisted
from policies.change import Account, People, Person


def person_of(people: People, account: Account) -> Person:
    """The person behind a Slack account. Raises Unlisted in words where there is none."""
    for person in people.values():
        if account in person.accounts:
            return person
    raise Unlisted(
        f"chom.toml lists nobody with your Slack account ({account.team}:{account.user}). "
        "Ask an operator to add it under [people]."
    )


def configured(people: People, account: Account) -> str:
    """The id of the person that chom.toml gives the account to, whether it counts or not; "" for nobody's."""
    return next((person.id for person in people.values() if account in person.accounts), "")


def unix_person_of(people: People, login: str) -> Person:
    """The person behind a Unix login. Raises Refusal."""
    for person in people.values():
        if login in person.unix:
            return person
    raise Refusal(f'Nobody in chom.toml has the Unix login "{login}". Add it as unix = ["{login}"] to a person.')
