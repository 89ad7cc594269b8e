"""The web app's pages, shown by Streamlit. Started by `rag serve`, never by `streamlit run`."""
