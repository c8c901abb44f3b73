"""The proxy's mind: frames and events in, frames and effects out."""
