"""From text to typed rows, with a reason for each row that is rejected."""
