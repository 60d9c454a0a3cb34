"""Networks of graphs: two generators, and a discriminator that is invariant to the order of the nodes."""
