"""Slack as a person sees it: what people do (acts), what they are shown (cards, messages), and the line to Slack."""
