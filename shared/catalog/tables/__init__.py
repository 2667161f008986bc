"""The built-in tables, one module each; `Registry.built_in` collects them."""
