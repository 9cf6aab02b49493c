"""The service shown on figures that NHS England published: the same run for `make real` and for a journey test."""
