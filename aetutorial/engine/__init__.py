"""The training engine behind `aetutorial.training`, its one public door."""
