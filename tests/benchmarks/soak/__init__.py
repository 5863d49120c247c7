"""Load with trouble: who calls (`callers`), what goes wrong meanwhile (`trouble`), and whether all
was well in the end (`run`)."""
