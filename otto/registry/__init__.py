"""The registry: which skills there are, from the files of all folders, and read again while Otto runs."""
