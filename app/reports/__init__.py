"""Consolidated outcome reports: pooled figures, how sure they are, and where they come from."""
