"""The Homes of those who opened theirs lately."""
