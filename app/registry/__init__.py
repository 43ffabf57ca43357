"""Who lives where, with which card, and which meter stands there, each with the dates between which it held."""
