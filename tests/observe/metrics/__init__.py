"""What a server did, in numbers for Prometheus."""
