"""Scores of graphs: their identity, their distributions, and the set of all possible graphs."""
