"""Load with faults: callers (`callers`), injected faults (`faults`) and invariants (`run`)."""
