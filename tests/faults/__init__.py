"""What happens when something outside goes wrong: a process ends, a file is damaged, a signal comes."""
