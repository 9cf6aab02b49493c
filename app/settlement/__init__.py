"""Settlement: risk and gain share on frozen figures, explained line by line, in integer pence."""
