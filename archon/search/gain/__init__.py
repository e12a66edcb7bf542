"""A search by units: which pipeline to see on which further questions, by gain per price.

No trial is run to its end because it was begun. After each unit (one pipeline on one block of
questions) a model of all pipelines says what one more unit of each would be worth, and the unit
that is worth most for what it takes comes next.
"""
