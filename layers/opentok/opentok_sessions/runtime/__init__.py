"""What every function needs from its execution environment: settings, telemetry, a fast start."""
