"""Values that every room speaks in: refusals, codes, months, moments, figures, actors. No I/O."""
