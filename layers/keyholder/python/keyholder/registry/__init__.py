"""Who is who and what there is: people and their memberships, projects and their evidence, domains and their keys."""
