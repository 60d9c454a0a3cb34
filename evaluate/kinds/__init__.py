"""How `evaluate` handles each kind of data. `dropgan.train.kinds` names these functions."""
