"""Answers that are kept until what they tell changes: the version of a tenant, entity tags, the store in Redis."""
