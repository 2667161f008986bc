"""The models of the API's answers, by what they describe. Times are RFC 3339, in UTC with Z."""
