"""Calls of the API that its own OpenAPI document says, valid and invalid, alone and in sequences that follow its links.

calls       the run: schemathesis with all its checks, and what of them is not demanded
tenants     how a call says whose data it is about, and whose data no answer may show
files       what it uploads
"""
