"""A Slack to stand in for Slack: strict where Slack is strict, and able to fail as Slack fails.

It knows the methods that a bot like ours may call; every other is unknown_method. Where it is not as Slack's
documentation has it, or where the documentation leaves it open:

| what | Slack | here |
|---|---|---|
| **messages** | | |
| text that is too long for an answer or an ephemeral | msg_too_long, at no documented length | over 4,000 characters |
| blocks that are too long together | msg_blocks_too_long; met between 9,600 and 13,300 characters | over 11,000 |
| metadata_too_large | at no documented size | over 16 kB of JSON |
| &, < and > in what is sent | may come back escaped | as they were sent |
| a message of blocks without text | Slack makes a text of them | Slack's sentence for what cannot be shown |
| thread_ts of no message | depends on the conversation | thread_not_found |
| username, icons | with a scope of their own | missing_scope |
| **Block Kit** | | |
| card, plan, container, video and other blocks that no part of the bot uses | taken | unsupported type |
| images | are fetched, and refused where that fails | only their address is looked at |
| markdown | becomes several blocks | stays one |
| words for what is wrong | those of its schemas are known | ours for initial options, focus, ids of blocks |
| **views** | | |
| views.open while a modal is open | not documented | the open one closes |
| views.publish with a hash before there was a Home | not documented | hash_conflict |
| an answer to a view that cannot be shown | a sentence in the modal | the same, and why in the log |
| **limits** | | |
| tiers | so many a minute "and some more" | exactly so many in any 60 s; posts: a burst of 4, then 1/s a channel |
| posts of a whole workspace | several hundred a minute | 600 |
| response addresses, events | have rates too | five uses in 30 minutes, no rate |
| a limit above a list's most | refused or cut | cut |
| **people** | | |
| an unacknowledged button | a warning sign beside it | a line of Slackbot for that person, which names the message |
| team of a click from another workspace | known from Slack's SDKs alone | the person's own |
| **delivery** | | |
| events | as subscribed | app_home_opened |
| an eleventh connection | known from bug reports alone | disconnected as too_many_websockets |
| refresh_requested, link_disabled | the connection ends soon | after 2 s; Socket Mode is on again at once |
| auth.test with an app token | names the app | not_allowed_token_type |
| **files** | | |
| upload | any length, any kind | the bytes have to be as many as announced, 8 MiB at most, shown as text |
| sharing | a little after the call | with the call |
| **failing** | | |
| down | many ways | 503 to apps, sockets cut, and nobody can act |
| 429, 500, slow and lost answers | anywhere | the Web API, not response addresses and uploads |
"""

from bot.sandbox.slack.standin import SlackStandIn

__all__ = ["SlackStandIn"]
