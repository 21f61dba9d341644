"""What there is in the local Discord, and its rules: it knows nothing of HTTP, websockets or wisp."""
