"""Pathways and their segments."""
