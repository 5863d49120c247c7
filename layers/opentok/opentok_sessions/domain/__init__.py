"""Values and pure rules. Nothing here does I/O; the caller passes in the time."""
