"""What stands between the host and the standard library's `multiprocessing`."""
