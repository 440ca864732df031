"""Makes what livefill ships and learns from: synthetic people, occluders, clips. Never imported by the runtime."""
