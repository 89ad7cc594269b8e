"""Shows an expected failure as one sentence and what to do."""

from __future__ import annotations

import streamlit as st

from rag.types import ErrorInfo
from ui import safe


def show(error: ErrorInfo) -> None:
    hint = f"  \n{safe.line(error.hint)}" if error.hint else ""
    st.error(f"**{safe.line(error.message)}**{hint}")
