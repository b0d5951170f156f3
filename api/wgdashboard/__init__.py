"""WGDashboard's endpoints in WGDashboard's words, which occur nowhere else."""
