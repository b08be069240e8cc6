"""MLflow: the record of a pipeline run, the registered model, its aliases, and loading it back."""
