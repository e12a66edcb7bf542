"""Settings, the wiring of objects, and what the verbs do."""
