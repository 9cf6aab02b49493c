"""`make faults`: what was answered for survives kills, what happens at once breaks nothing, and a model agrees (promises R1 to R3)."""
