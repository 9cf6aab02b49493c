"""The register of organisations, known by their ODS codes and shared by all programmes."""
