"""Networks of graphs: two generators and a discriminator that does not see the order of the nodes."""
