"""Collections, deadlines, and what is expected of whom."""
