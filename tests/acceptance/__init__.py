"""Real SDKs and real processes over real sockets."""
