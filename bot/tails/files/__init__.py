"""What is sent to Slack as a file beside everything else: the log of a failed run, the pictures of a canary."""
