"""The validation metric: what training watches to keep its best weights."""
