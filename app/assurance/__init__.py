"""Whether subcontracts are in order: papers that are missing or lapse, signatures, approvals, and what variations add up to."""
