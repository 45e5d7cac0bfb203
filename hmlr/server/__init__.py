"""The doors over the network: HTTP, the OpenAI-compatible proxy, MCP and the page.

Needs the packages of requirements-server.txt. The way of one request: guard (who may come in at all), auth
(who is it), the door's route, people (whose open memory), errors (what went wrong, as an answer).
"""
