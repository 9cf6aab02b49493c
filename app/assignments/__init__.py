"""Who delivers which segment, for which sites and commissioners, from month to month."""
