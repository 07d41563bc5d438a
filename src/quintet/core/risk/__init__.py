"""What may be sent: limits, the gate before every command, the breaker above all of them."""
