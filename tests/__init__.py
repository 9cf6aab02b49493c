"""The suite: a folder for each room, and house/, journeys/ and the like across them."""
