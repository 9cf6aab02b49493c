"""The demonstration: a programme whose contract is drawn from life and whose every figure is invented."""
