"""The catalogue of what is counted, versioned by month."""
