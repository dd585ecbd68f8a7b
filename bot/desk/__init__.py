"""The use cases, with no Slack in them: what is asked, decided, stopped and looked at; desk.py ties them together."""
