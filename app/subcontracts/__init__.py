"""Agreements between the prime and one organisation under one programme."""
