"""The gate of a phase, computed from what is in the database, and the decisions of two people that cite it."""
