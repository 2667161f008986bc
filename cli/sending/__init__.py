"""What is sent and how: files, directories, patterns, pipes; one file or several, each followed to its end."""
