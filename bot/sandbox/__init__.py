"""The outside world in one command: Slack, servers, a shop and a Redis, for trying and for tests."""
