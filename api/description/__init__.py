"""What clients read about the API: OpenAPI, schemas, problem documents."""
