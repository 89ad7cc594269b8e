"""The web app's server: one process, one port, for one machine, signed in by token.

serve.py              start, run, end                 `serve` is the way in
guard.py              exact Host and Origin, before Streamlit sees a request
headers.py            the content security policy and its companions
signin.py             the token, traded for a cookie
readiness.py          the page is announced only once it answers guarded
ports.py              which port
streamlit_options.py  every setting of Streamlit, and the theme
workspace.py          what all pages share: the open library, and one ingestion, work on a model, …
asking.py             an answer streamed in a thread, so that it can be stopped
ingestion.py          the figures of a running ingestion
checkup.py            a look of the doctor in a thread
model_work.py         a pull or a creation in a thread, so that it can be stopped
own_work.py           own questions made or asked in a thread, so that it can be stopped
"""

from rag.server.serve import serve

__all__ = ["serve"]
