"""`python -m shared.ingest.loading.background_process FD [METRICS_FD]`: see `background_loader.py`."""

from shared.starting import import_once

if __name__ == "__main__":
    import_once("shared.ingest.loading.background_loader").main()
