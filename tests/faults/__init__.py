"""`make faults`: what was answered for survives kills, and what happens at once breaks nothing (promises R1 and R2)."""
