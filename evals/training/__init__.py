"""How the shipped parameters were learned; run by hand, on the development sets."""
