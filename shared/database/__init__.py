"""Tables, engines and queries."""
