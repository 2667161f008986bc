"""What happens to an upload besides loading: actions of people, repair, retention."""
