"""What follows the journal: nothing here can stop or repeat a deploy. Cards and Homes know nothing of each other.

Under both: one bot tails at a time (lease, tenure), and how fast Slack may be written to (pace, quiet).
"""
