"""Once to Slack: one call, what it is known to show since, and its message found again where the answer was lost."""
