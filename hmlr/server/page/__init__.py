"""The web page: chat, see where an answer came from, correct and forget, watch the memory grow.

The way of one click: mounting (which page is asked for), visit (whose memory, and may this token still open
it), frame (navigation, notices, what goes wrong), then the view's own file. Everything remembered is shown as
text: no view makes HTML, Markdown, props or scripts out of it.
"""
