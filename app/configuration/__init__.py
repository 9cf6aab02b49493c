"""The whole programme as one document."""
