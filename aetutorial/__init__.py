"""Helpers for the autoencoder course: data, checked claims, training, plots and exercises.

Importing this package is light. TensorFlow and Keras are imported by the modules that need them,
when they need them.
"""

__version__ = "0.1.0"
