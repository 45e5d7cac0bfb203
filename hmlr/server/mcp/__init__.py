"""Memory as tools of the Model Context Protocol, on the official SDK.

The way of one call: a transport (stdio or http), server (which tool, are its arguments right, what went
wrong), tools (what it does), results (what is told of it: structured data, and text in which remembered text
is fenced).
"""
