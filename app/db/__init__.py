"""The database: engine, tenancy, the ledger, audit events and versioned facts."""
