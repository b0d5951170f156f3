"""The write path of the API: from an edit to desired state that is saved, converged and verified."""
