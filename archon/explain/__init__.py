"""Why a pipeline does what it does, computed from its runs question by question; nothing is read,
asked or written here.
"""
