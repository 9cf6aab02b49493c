"""Personal data: where it is, how it is shown and erased, and how long it is kept."""
