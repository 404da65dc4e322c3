"""Migrations of the store, one file a revision; ``botsvc.storage.schema`` runs them."""
