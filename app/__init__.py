"""Mainstem: the service with which the prime provider of an NHS contract runs its subcontractors."""
