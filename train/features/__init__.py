"""Feature networks: what tells what is in an image. `dropgan.evaluate` scores in them, and a discriminator
may look through one that does not learn. A module is imported where it is used, so nothing is here."""
