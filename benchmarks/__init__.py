"""The benchmark of `aetutorial.training.fit`: see README.md in this folder."""
