"""Pure: from desired and observed state to a plan. No input or output."""
