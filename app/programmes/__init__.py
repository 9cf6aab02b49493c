"""Head contracts: commissioners, phases, sites in scope, requirements and targets."""
