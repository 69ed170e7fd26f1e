"""The worker role: takes tile tasks, runs the filters, stores the pieces."""
