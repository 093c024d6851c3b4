"""What `jianqiao bench` runs: one module per claim, each against a raw limit of the same run."""
