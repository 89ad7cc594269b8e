"""Streamlit's settings: all that keep it silent and local, and how the app looks.

They are given to `App.run`, which puts them above configuration files; Streamlit's environment
variables are dropped at the start (egress.py).
"""

from __future__ import annotations

from rag.server.ports import ADDRESS

LARGEST_UPLOAD = 200  # MB, of one file


def options(bind: str, port: int) -> dict[str, object]:
    """All options for a server that listens on `port` of the address `bind`."""
    return {
        # without an address Streamlit asks outside hosts for its own
        "server.address": bind,
        "server.port": port,
        "server.baseUrlPath": "",
        "server.allowedHosts": [ADDRESS, "localhost"],
        "server.corsAllowedOrigins": [],
        "server.enableCORS": True,
        "server.enableXsrfProtection": True,
        "server.headless": True,
        "server.showEmailPrompt": False,
        "server.enableAgentApi": False,
        "server.enableStaticServing": False,
        "server.fileWatcherType": "none",
        "server.runOnSave": False,
        "server.maxUploadSize": LARGEST_UPLOAD,
        "browser.gatherUsageStats": False,
        "browser.serverAddress": ADDRESS,
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "client.showErrorLinks": False,
        "client.showSidebarNavigation": True,
        "global.developmentMode": False,
        "logger.hideWelcomeMessage": True,
        "logger.level": "error",
        "runner.magicEnabled": False,
        **THEME,
    }


THEME: dict[str, object] = {
    "theme.base": "light",
    "theme.primaryColor": "#1f5f8b",
    "theme.backgroundColor": "#ffffff",
    "theme.secondaryBackgroundColor": "#f4f6f8",
    "theme.textColor": "#1f2933",
    "theme.borderColor": "#dde3e9",
    "theme.greenColor": "#2f7d4f",
    "theme.orangeColor": "#b7791f",
    "theme.redColor": "#b23a3a",
    "theme.grayColor": "#66737f",
    "theme.grayTextColor": "#5b6873",
    "theme.greenTextColor": "#276b43",
    "theme.orangeBackgroundColor": "#ffeeb0",  # marks a quote in a text
    "theme.orangeTextColor": "#95610f",
    "theme.redTextColor": "#a33434",
    "theme.baseRadius": "0.5rem",
    "theme.baseFontSize": 15,
    "theme.headingFontSizes": ["1.75rem", "1.35rem", "1.1rem", "1rem", "0.95rem", "0.9rem"],
    "theme.headingFontWeights": [650, 650, 600, 600, 600, 600],
    "theme.showSidebarBorder": True,
    "theme.sidebar.backgroundColor": "#f7f9fa",
}
