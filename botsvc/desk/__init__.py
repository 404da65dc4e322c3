"""The desk at ``/desk``: where people sign in, see who waits, and answer.

Server-rendered pages that work by plain forms; htmx and ``static/desk.js`` only save the reloading.
"""
