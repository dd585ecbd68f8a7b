"""What people do in Slack: commands, buttons and forms, each acked at once and handed to the desk."""
