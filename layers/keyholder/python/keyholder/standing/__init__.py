"""Standing approvals: many requests of one project, approved once within bounds by every domain's controllers."""
