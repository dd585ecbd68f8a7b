"""What is said beside the card: its thread, its notices, the Home, and what one person alone is told. Pure."""
