"""API keys: their format, and how people manage them.

api_key          keys are generated, parsed and verified; needs no database
administration   keys are created, rotated and revoked by people at the command line
"""
