"""A canary's pictures: what its journal counted (story.py), in words (words.py), and as a PNG (drawing.py). Pure."""
