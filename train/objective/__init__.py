"""What training minimises: losses of logits, gradient penalties, and what the discriminator is shown."""
