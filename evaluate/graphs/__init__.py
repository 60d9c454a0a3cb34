"""Scores of graphs: which are the same, how they are distributed, and what is known of their world."""
