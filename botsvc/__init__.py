"""The service: answering, conversations, handoff to people, pages, and the console command."""
