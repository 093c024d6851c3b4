"""What the homes mean to PostgreSQL: partitions, grants, guards, publications, subscriptions."""
