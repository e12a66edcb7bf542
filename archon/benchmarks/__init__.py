"""Questions with what makes an answer right, loaded from files and split for search and check."""
