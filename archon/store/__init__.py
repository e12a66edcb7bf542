"""The database: calls, studies, trials and results. The only package with SQLAlchemy."""
