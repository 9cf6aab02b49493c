"""`make bench`: the promises on speed, each a ratio of two things measured side by side in one run."""
