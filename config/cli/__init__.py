"""The command `jianqiao`: a province on one machine, and the operator's errands."""
