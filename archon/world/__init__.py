"""A simulated world: questions, models and judges with known truth, behind the port to every model.

For a demonstration without keys, for tests, and for measuring the search itself: real components
and the real runtime run on it, and what each pipeline is really worth can be computed.
"""
