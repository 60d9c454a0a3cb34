"""The validation metric, by which training keeps its best weights."""
