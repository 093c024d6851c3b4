"""Django's PostgreSQL backend with one addition: a model's home decides its table's shape."""
