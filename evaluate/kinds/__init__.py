"""How `evaluate` answers for each kind of data; `dropgan.train.kinds` names these functions."""
