"""The training objective: losses of logits, gradient penalties, and augmentation."""
