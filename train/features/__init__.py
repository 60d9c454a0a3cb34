"""Feature networks of images.

`dropgan.evaluate` scores in their features, and a discriminator may look through a frozen one. Each module is
imported where it is used, so this file is empty.
"""
