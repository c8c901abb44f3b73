"""What capture points and event logs both need to speak with the world outside."""
