"""What of a report the public may have: small counts hidden, others rounded, and nothing left from which a hidden one could be worked out."""
