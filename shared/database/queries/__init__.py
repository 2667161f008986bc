"""The statements that readers run: functions that return SQLAlchemy statements and hold no connection."""
