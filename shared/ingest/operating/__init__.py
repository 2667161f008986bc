"""What operators do, for any tenant: limits, retention, pauses, and uploads that wait."""
