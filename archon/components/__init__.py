"""One file per technique. ``table.py`` lists them; ``base.py`` says what a component is."""
