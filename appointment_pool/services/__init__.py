"""Writing the pool: hospitals publish and stop, residents book and cancel."""
