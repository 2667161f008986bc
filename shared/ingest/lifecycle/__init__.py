"""What happens to an upload apart from loading: actions of people, repair, retention."""
