"""One campaign over many repositories: cloned, repaired, committed on a branch, proposed."""
