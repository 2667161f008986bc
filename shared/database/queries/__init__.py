"""The statements of readers: functions that return SQLAlchemy statements and hold no connection."""
