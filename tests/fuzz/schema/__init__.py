"""Calls of the API that its own OpenAPI document says, valid and invalid, alone and in sequences that follow its links.

calls       the run: schemathesis with all its checks, and the exceptions from them
tenants     how a call names its tenant, and the tenant whose data no answer may show
files       what it uploads
"""
