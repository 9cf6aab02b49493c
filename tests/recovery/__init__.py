"""`make recovery`: a base backup, a destruction, and the second before it again (promise R6)."""
