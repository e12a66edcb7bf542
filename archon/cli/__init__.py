"""A file per verb: parse, call the service, print."""
