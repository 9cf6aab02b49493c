"""Who is calling and what they may do: clients, their keys, roles and permissions."""
