"""Whether a resource is what the R4 definitions say; `resources` is the way in."""
