"""The web app: its pages and what frames them. Run by `rag serve` (rag/server/serve.py)."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from rag.errors import VouchError
from rag.server.workspace import current
from ui import chat, documents, errors, health, models, quality, search, sidebar

HERE = Path(__file__).parent

st.set_page_config(
    page_title="Vouch", page_icon=str(HERE / "icon.png"), initial_sidebar_state="auto"
)
st.logo(str(HERE / "logo.svg"), size="large")
st.html(HERE / "style.css")
page = st.navigation(
    [
        st.Page(chat.page, title="Chat", url_path="chat", default=True),
        st.Page(search.page, title="Search", url_path="search"),
        st.Page(documents.page, title="Documents", url_path="documents"),
        st.Page(models.page, title="Models", url_path="models"),
        st.Page(quality.page, title="Quality", url_path="quality"),
        st.Page(health.page, title="Health", url_path="health"),
    ]
)
try:
    sidebar.show(current())
    page.run()
except VouchError as error:
    errors.show(error.info)
