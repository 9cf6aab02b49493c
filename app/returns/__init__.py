"""What subcontracts report: intake, validation, revisions and their acceptance."""
