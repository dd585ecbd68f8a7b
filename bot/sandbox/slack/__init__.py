"""A Slack to stand in for Slack: strict where Slack is strict, and able to fail as Slack fails.

Where it is not as Slack's documentation has it, or where the documentation leaves it open:

| what | Slack | here |
|---|---|---|
| text over 4,000 characters | chat.postMessage cuts at 40,000, chat.update refuses | both refuse with msg_too_long |
| tiers | so many a minute "and some more" | exactly so many in any 60 s; posts: a burst of 4, then 1/s a channel |
| thread_ts of no message | depends on the conversation | thread_not_found |
| an unacknowledged button | a warning sign beside it | a line of Slackbot for that person, which names the message |
| text of a slash command | may escape &, < and > | as it was typed |
| alerts, tables, markdown blocks | contents checked | only their outline is checked |
| rich_text | contents checked | only its sections are checked |
| upload | any length | the bytes have to be as many as were announced, 8 MiB at most |
| pages of lists | cursors | everything in one page |
| down | many ways | 503 to apps, sockets cut, and nobody can act |
"""

from bot.sandbox.slack.standin import SlackStandIn

__all__ = ["SlackStandIn"]
