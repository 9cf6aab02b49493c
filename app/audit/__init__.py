"""The record read: who did what, what was refused, whether the chains hold, and proof of both for whoever trusts nobody."""
